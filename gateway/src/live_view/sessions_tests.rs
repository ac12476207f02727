//! Tests of the view's sessions.

use bus_schemas::SessionStatus;

use super::*;
use crate::fixtures::{event, session};

fn id(number: u128) -> SessionId {
    SessionId(uuid::Uuid::from_u128(number))
}

#[test]
fn an_opened_session_is_found_by_id_worker_and_station_until_it_is_closed() {
    let sessions = Sessions::default();
    let open = session(1, 10);
    sessions.fold(event(open.clone()), 5);
    assert!(matches!(sessions.get(id(10)), Known::Active(_)));
    assert_eq!(sessions.of_worker(open.worker_id).unwrap().seq, 5);
    assert_eq!(sessions.at_station(open.station_id).len(), 1);
    assert_eq!(sessions.count(), 1);

    let closed = Session { status: SessionStatus::Completed, ..open.clone() };
    sessions.fold(event(closed), 6);
    assert!(matches!(sessions.get(id(10)), Known::Closed(_)));
    assert!(sessions.of_worker(open.worker_id).is_none());
    assert!(sessions.at_station(open.station_id).is_empty());
    assert_eq!((sessions.count(), sessions.active().len()), (0, 0));
}

#[test]
fn a_session_that_replaces_another_is_the_only_active_one() {
    let sessions = Sessions::default();
    let first = session(1, 10);
    sessions.fold(event(first.clone()), 5);
    // Only the second message of the batch is seen.
    let mut second = event(session(1, 11));
    second.state.previous = Some(Box::new(Session { status: SessionStatus::Aborted, ..first.clone() }));
    sessions.fold(second, 7);
    assert!(matches!(sessions.get(id(10)), Known::Closed(_)));
    assert!(matches!(sessions.get(id(11)), Known::Active(_)));
    assert_eq!((sessions.count(), sessions.at_station(first.station_id).len()), (1, 1));
}

#[test]
fn signs_of_life_only_go_forward_and_outlive_events() {
    let sessions = Sessions::default();
    let open = session(1, 10);
    sessions.fold(event(open.clone()), 5);
    let later = open.last_proof_at_us.after(std::time::Duration::from_secs(9));
    sessions.seen(open.id, later);
    sessions.seen(open.id, open.last_proof_at_us);
    sessions.fold(event(open.clone()), 6);
    let Known::Active(live) = sessions.get(open.id) else { panic!("it is active") };
    assert_eq!(live.last_seen(), later);
}

#[test]
fn only_the_last_thousand_closed_ones_are_kept() {
    let sessions = Sessions::default();
    for number in 0..=RECENT_MAX as u128 {
        let open = session(number, 10_000 + number);
        sessions.fold(event(open.clone()), 1);
        sessions.fold(event(Session { status: SessionStatus::Completed, ..open }), 2);
    }
    assert!(matches!(sessions.get(id(10_000)), Known::Not));
    assert!(matches!(sessions.get(id(10_001)), Known::Closed(_)));
}
