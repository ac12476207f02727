//! The log is cut, and never more than nobody needs.

use std::time::Duration;

use andon_nats::{Bus, HeaderMap};
use bus_schemas::{CloseCause, Partition, subject, subject::STREAM_LOG};
use persistence::retention;

use crate::{
    harness::{Database, Nats, sql, store, store_event},
    projecting::{project, writer},
    story::{Worker, stored},
};

/// Time for one question.
const WITHIN: Duration = Duration::from_secs(5);

async fn first_seq(bus: &Bus) -> u64 {
    bus.stream_info(STREAM_LOG, WITHIN).await.expect("it is there").first_seq
}

async fn claim(bus: &Bus, number: u8) -> u64 {
    store(bus, STREAM_LOG, subject::claim(Partition::new(number)), HeaderMap::new(), b"a claim".to_vec()).await
}

#[tokio::test]
async fn a_claim_an_active_session_and_an_unreadable_message_each_hold_the_log_back() {
    // given two claims, a closed session, an active one, an unreadable last message, and newer claims
    let nats = Nats::new().await;
    let bus = nats.bus().await;
    claim(&bus, 1).await;
    claim(&bus, 2).await;
    let (mut closed, opened) = Worker::opens(1);
    for event in [opened, closed.starts(), closed.closes(CloseCause::Completed)] {
        store_event(&bus, &event).await;
    }
    let (mut active, opened) = Worker::opens(2);
    let active_at = store_event(&bus, &opened).await;
    let strange = subject::session(Worker::opens(3).0.id);
    let strange_at = store(&bus, STREAM_LOG, strange.clone(), HeaderMap::new(), b"garbage".to_vec()).await;
    claim(&bus, 1).await;
    let end = claim(&bus, 2).await;
    let cut = async || {
        retention::cut(bus.clone(), end, end).await.expect("it is cut");
        first_seq(&bus).await
    };
    // then the active session holds it, the closed one does not
    assert_eq!(cut().await, active_at);
    // when that session is carried forward, the unreadable message holds it
    store_event(&bus, &active.carried()).await;
    assert_eq!(cut().await, strange_at);
    // when that worker has another message, the first of the newer claims holds it
    store(&bus, STREAM_LOG, strange, HeaderMap::new(), b"garbage".to_vec()).await;
    assert_eq!(cut().await, strange_at + 1);
    // and when both are renewed, the last projected message stays
    claim(&bus, 1).await;
    claim(&bus, 2).await;
    assert_eq!(cut().await, end);
}

#[tokio::test]
async fn what_is_not_projected_or_not_old_stays() {
    let nats = Nats::new().await;
    let bus = nats.bus().await;
    for number in 0..6 {
        let (mut worker, opened) = Worker::opens(number);
        store_event(&bus, &opened).await;
        store_event(&bus, &worker.closes(CloseCause::Abandoned)).await;
    }
    for (projected, old, first) in [(0, 12, 1), (12, 0, 1), (5, 12, 5), (12, 7, 8), (12, 12, 12)] {
        retention::cut(bus.clone(), projected, old).await.expect("it is cut");
        assert_eq!(first_seq(&bus).await, first, "projected {projected}, old {old}");
    }
}

#[tokio::test]
async fn age_is_told_by_when_the_log_stored_an_event() {
    // given events that the log stored a millisecond apart
    let database = Database::new().await;
    let mut writer = writer(&database).await;
    let messages: Vec<_> = (0..5_u64).map(|number| stored(number + 1, &Worker::opens(number.into()).1)).collect();
    project(&mut writer, &messages).await;
    let at = messages[2].time_us;
    assert_eq!(writer.last_stored_before(at).await.unwrap(), 2);
    assert_eq!(writer.last_stored_before(at.after(Duration::from_micros(1))).await.unwrap(), 3);
    assert_eq!(writer.last_stored_before(messages[0].time_us).await.unwrap(), 0);
    // and a time before 1970, of a retention longer than that, is no error
    let never = bus_schemas::TimeUs::from_micros(-5);
    assert_eq!(writer.last_stored_before(never).await.unwrap(), 0);
    assert_eq!(sql(&mut database.connect().await, "SELECT count(*) FROM session_events").await, "5");
}
