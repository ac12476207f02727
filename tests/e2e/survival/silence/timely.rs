//! Without a fault: an idle close comes after its time, once, and a heartbeat in time prevents it.

use std::time::Duration;

use bus_schemas::{CloseCause, EventKind};
use serde_json::json;

use super::super::keeper::Keeper;
use super::super::ledger::Ledger;
use super::super::{floor, tables};
use super::scene::{IDLE, IDLE_SETTING, IDLE_STALLED, closed, now_us, session, us, workers_at_work};

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_session_is_closed_once_after_its_time_with_proven_and_unproven_time_apart() {
    // given a worker in production, who is last heard of by a heartbeat a second after pressing anything
    let andon = floor::up(IDLE_SETTING).await;
    let log = andon.place.nats_config("persistence");
    let workers = workers_at_work(&andon.place.http_url(), 0..1).await;
    let (worker, session) = (&workers[0], session(&workers[0]).to_owned());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before_beat = now_us();
    assert_eq!(worker.heartbeat().await.ok(), json!({"ok": true}));
    let after_beat = now_us();

    // when nothing more is heard
    let close = closed(&log, &session).await;

    // then it is closed on time, and its worker is told
    let last_seen = close.state.session.effective_end_at_us.expect("the last sign of life");
    let rounding = us(Duration::from_millis(150));
    assert!((before_beat - rounding..=after_beat + rounding).contains(&last_seen.as_micros()), "{last_seen:?}");
    let silence = close.at_us.since(last_seen);
    assert!(silence >= IDLE && silence <= IDLE_STALLED, "closed after {silence:?}");
    worker.until_told_closed().await;

    // and production ends with the last sign of life; what is not proven stands apart
    let after = &close.state.session;
    assert_eq!(after.closed_cause, Some(CloseCause::Idle));
    assert_eq!((after.ended_at_us, after.forced_closed_at_us), (Some(close.at_us), Some(close.at_us)));
    let [production, unproven] = &close.ended[..] else { panic!("two intervals end: {:?}", close.ended) };
    assert_eq!((production.status.as_str(), production.ended_at_us), ("production", Some(last_seen)));
    assert_eq!((unproven.status.as_str(), unproven.note.as_deref()), ("stopped", Some("auto-abandon")));
    assert_eq!((unproven.started_at_us, unproven.ended_at_us), (last_seen, Some(close.at_us)));

    // and it is so in Postgres, once
    let ledger = Ledger::read(&log).await;
    ledger.holds();
    tables::are_the_fold_of(&ledger, &andon.place.postgres_url()).await;
    let row = format!(
        "select status, closed_cause, current_status, last_working_status, ended_at = forced_closed_at, \
         effective_end_at = last_seen_at from sessions where id = '{session}'"
    );
    assert_eq!(andon.place.sql(&row), Some(vec!["completed|idle|stopped|production|t|t".to_owned()]));
    let sum = format!(
        "select sum(s.ended_at - s.started_at) = max(e.ended_at - e.started_at) from status_events s \
         join sessions e on e.id = s.session_id where e.id = '{session}'"
    );
    assert_eq!(andon.place.sql(&sum), Some(vec!["t".to_owned()]));
}

/// An idle time of which a tenth is more than a busy machine stands still.
const LONGER: Duration = Duration::from_secs(8);
/// The same as a setting.
const LONGER_SETTING: &str = "8s";

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_in_time_always_prevents_it() {
    // given six workers who do nothing but show that they are there, after 60 to 90 % of the idle time
    let andon = floor::up(LONGER_SETTING).await;
    let workers = workers_at_work(&andon.place.http_url(), 0..6).await;
    let keepers: Vec<_> = (60..)
        .step_by(6)
        .zip(&workers)
        .map(|(percent, worker)| Keeper::of(worker.client.clone(), session(worker), LONGER * percent / 100))
        .collect();

    // when five idle times have gone by
    tokio::time::sleep(LONGER * 5).await;

    // then nobody is closed
    let log = andon.place.nats_config("persistence");
    let ledger = Ledger::read(&log).await;
    for (worker, keeper) in workers.iter().zip(&keepers) {
        let beats = keeper.beats();
        assert!(beats.apart < LONGER, "the test did not beat in time itself: {beats:?}");
        assert!(ledger.close_of(session(worker)).is_none(), "closed, although it was kept alive: {beats:?}");
        assert!(beats.heard >= 5, "{beats:?}");
    }

    // and when they stop, each is closed, once
    for keeper in keepers {
        keeper.stop().await;
    }
    let mut silences = Vec::new();
    for worker in &workers {
        let close = closed(&log, session(worker)).await;
        assert!(matches!(close.kind, EventKind::Closed { cause: CloseCause::Idle, .. }));
        silences.push(close.at_us.since(close.state.session.effective_end_at_us.expect("the last sign of life")));
    }
    let (soonest, latest) = (silences.iter().min().expect("six"), silences.iter().max().expect("six"));
    eprintln!("closed after {soonest:?} to {latest:?} of silence");
    assert!(*soonest >= LONGER && *latest <= LONGER + (IDLE_STALLED - IDLE), "{silences:?}");
    Ledger::read(&log).await.holds();
}
