//! Checks that an event fits the state before it: told a second time, from what the event says happened, and compared
//! with the state it carries. Used by tests and by whoever verifies a log.

use bus_schemas::{
    Actor, CloseCause, EventId, EventKind, Extra, Interval, Session, SessionEvent, SessionId, WorkerState,
};

mod expected;

/// An event does not fit the state before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A hole, or a repetition.
    #[error("version {found} came where {expected} was due")]
    Version {
        /// The next one.
        expected: u64,
        /// What the event says.
        found: u64,
    },
    /// The event, its state and the chain do not speak of the same session and worker.
    #[error("the event is not of the session that the chain is at")]
    Elsewhere,
    /// An id is not derived from the command and the time.
    #[error("an id is not the one that its command and time give")]
    Id,
    /// Closed is final.
    #[error("the session was closed before")]
    Closed,
    /// A worker has at most one active session.
    #[error("another session was opened while one was active")]
    SecondActive,
    /// An event is earlier than the one before, or than its own state says.
    #[error("time ran back or stands twice")]
    Time,
    /// The ended intervals are not the one that ran and, at a forced close, the appended `stopped`, adjoining.
    #[error("the ended intervals do not continue what ran")]
    Intervals,
    /// The totals do not follow from the deltas or leave their bounds.
    #[error("the totals do not follow from the deltas")]
    Totals,
    /// The ring is not the one before with this command, or without a deed of the owner's.
    #[error("the ring of command ids does not continue the one before")]
    Ring,
    /// The session before is not the one that was current.
    #[error("the session before is not the one that was current")]
    Previous,
    /// A field is not what the kind of event makes of it.
    #[error("{0} is not what the event makes of it")]
    Field(&'static str),
}

/// Checks `event` against the state before it (its ring resolved); none when it is the worker's first.
///
/// Fields of newer versions are not looked at.
///
/// # Errors
/// The first thing that does not fit.
pub fn fold_check(before: Option<&WorkerState>, event: &SessionEvent) -> Result<(), Broken> {
    let session = &event.state.session;
    check_self(event)?;
    if before.is_some_and(|before| before.session.updated_at_us > event.at_us) {
        return Err(Broken::Time);
    }
    let expected = match before {
        _ if matches!(event.kind, EventKind::Opened { .. }) => expected::opened(before, event)?,
        Some(before) => expected::followed(before, event)?,
        None => return Err(Broken::Version { expected: 1, found: event.version }),
    };
    check_ring(before, event)?;
    same(&expected, session)
}

/// What the event says twice must be the same twice.
fn check_self(event: &SessionEvent) -> Result<(), Broken> {
    let session = &event.state.session;
    let own = !matches!(event.actor, Actor::Worker(worker) if worker != session.worker_id);
    if event.session_id != session.id || !own {
        return Err(Broken::Elsewhere);
    }
    if event.version != session.version {
        return Err(Broken::Version { expected: session.version, found: event.version });
    }
    if event.at_us != session.updated_at_us {
        return Err(Broken::Time);
    }
    check_ids(event)
}

/// Ids are derived, never drawn: the second half of a replace comes after `closed` (0) and its interval (1).
fn check_ids(event: &SessionEvent) -> Result<(), Broken> {
    let session = &event.state.session;
    let (ordinal, opens) = match event.kind {
        EventKind::Opened { replaces: Some(_) } => (2, true),
        EventKind::Opened { replaces: None } => (0, true),
        _ => (0, false),
    };
    let id = EventId::derive(session.worker_id, &event.command_id, event.at_us, ordinal);
    let own = !opens || session.id == SessionId::derive(session.worker_id, &event.command_id, event.at_us);
    if event.event_id == id && own { Ok(()) } else { Err(Broken::Id) }
}

/// The ring is the one before, and remembers the command: not in the owner's own deeds, nor in the first half of a
/// replace.
fn check_ring(before: Option<&WorkerState>, event: &SessionEvent) -> Result<(), Broken> {
    let silent = match event.kind {
        EventKind::Carried => true,
        EventKind::Closed { cause, .. } => matches!(cause, CloseCause::Idle | CloseCause::Replaced),
        _ => false,
    };
    let mut expected = before.map(|before| before.ring.clone()).unwrap_or_default();
    if !silent {
        let entry = event.state.ring.get(&event.command_id).ok_or(Broken::Ring)?;
        expected.push(&event.command_id, entry.body_hash);
    }
    if event.state.ring == expected { Ok(()) } else { Err(Broken::Ring) }
}

/// Names the first field that differs; fields of newer versions may.
fn same(expected: &Session, found: &Session) -> Result<(), Broken> {
    macro_rules! compare {
        ($($field:ident),+ $(,)?) => {$(
            if expected.$field != found.$field {
                return Err(Broken::Field(stringify!($field)));
            }
        )+};
    }
    compare!(
        id,
        version,
        worker_id,
        station_id,
        job_id,
        names,
        status,
        start_checklist_completed,
        end_checklist_completed,
        required_start,
        required_end,
        opened_at_us,
        started_at_us,
        ended_at_us,
        effective_end_at_us,
        forced_closed_at_us,
        closed_cause,
        current_status,
        last_status_change_at_us,
        last_working_status,
        total_good,
        total_scrap,
        last_proof_at_us,
        updated_at_us,
    );
    let plain = |open: &Interval| Interval { extra: Extra::new(), ..open.clone() };
    let opens = (expected.open.as_ref().map(plain), found.open.as_ref().map(plain));
    if opens.0 == opens.1 { Ok(()) } else { Err(Broken::Field("open")) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bus_schemas::{CommandBody, EventKind, SessionStatus, StatusCode, TimeUs, command::AbandonReason};

    use super::*;
    use crate::session::{Ask, apply, fixture::*};

    /// A mutation of one event, and what must be said of it; `None` when the mutation does not apply to this event.
    type Mutation = (&'static str, fn(&mut SessionEvent) -> bool);

    /// Every kind of event: open, checklists, statuses, quantities, carry, idle, replace.
    fn chain() -> Vec<SessionEvent> {
        let (mut floor, id) = Floor::working();
        floor.stored(status(id, "production"));
        floor.wait(Duration::from_secs(1));
        floor.stored(totals(id, Some(10), Some(2)));
        floor.ask(&Ask::Carry).unwrap();
        floor.stored(end(id));
        floor.stored(CommandBody::Complete { session_id: id });
        floor.wait(Duration::from_secs(1));
        let bench = floor.open(BENCH);
        floor.wait(Duration::from_secs(1));
        floor.open(BENCH);
        floor.wait(Duration::from_secs(10));
        let seen = floor.now.before(Duration::from_secs(5));
        floor.ask(&Ask::Idle { last_seen_us: seen }).unwrap();
        let last = floor.open(PRESS);
        floor.stored(CommandBody::Abandon { session_id: last, reason: AbandonReason::WorkerChoice });
        assert_ne!(bench, last);
        floor.events
    }

    /// The state before each event, and the event.
    fn pairs(events: &[SessionEvent]) -> Vec<(Option<WorkerState>, SessionEvent)> {
        let mut state = None;
        let mut pairs = Vec::new();
        for (nth, event) in (1..).zip(events) {
            let after = apply(state.as_ref(), event, seq_of(nth));
            pairs.push((state.replace(after), event.clone()));
        }
        pairs
    }

    const MUTATIONS: [Mutation; 26] = [
        ("version", |event| {
            event.version += 1;
            true
        }),
        ("version, twice", |event| {
            event.version += 1;
            event.state.session.version += 1;
            true
        }),
        ("session", |event| {
            event.session_id = SessionId(uuid::Uuid::from_u128(404));
            true
        }),
        ("session, twice", |event| {
            event.session_id = SessionId(uuid::Uuid::from_u128(404));
            event.state.session.id = event.session_id;
            true
        }),
        ("event id", |event| {
            event.event_id = EventId(uuid::Uuid::from_u128(404));
            true
        }),
        ("time", |event| {
            event.at_us = event.at_us.after(Duration::from_micros(1));
            true
        }),
        ("earlier than the event before", |event| {
            event.at_us = TimeUs::from_micros(1);
            event.state.session.updated_at_us = event.at_us;
            event.version > 1
        }),
        ("worker", |event| {
            event.state.session.worker_id = bus_schemas::WorkerId(uuid::Uuid::from_u128(404));
            true
        }),
        ("command forgotten", |event| {
            event.command_id = "another".parse().unwrap();
            true
        }),
        ("ring emptied", |event| {
            let was = event.state.ring.is_empty();
            event.state.ring = bus_schemas::Ring::default();
            !was
        }),
        ("overlapping interval", |event| {
            let Some(interval) = event.ended.first_mut() else { return false };
            interval.started_at_us = interval.started_at_us.before(Duration::from_micros(1));
            true
        }),
        ("hole after the ended interval", |event| {
            let Some(interval) = event.ended.first_mut() else { return false };
            interval.ended_at_us = interval.ended_at_us.map(|end| end.before(Duration::from_micros(1)));
            true
        }),
        ("interval dropped", |event| event.ended.pop().is_some()),
        ("interval doubled", |event| {
            let Some(interval) = event.ended.first().cloned() else { return false };
            event.ended.push(interval);
            true
        }),
        ("note of an ended interval", |event| {
            let Some(interval) = event.ended.first_mut() else { return false };
            interval.note = Some("rewritten".into());
            true
        }),
        ("running interval gone", |event| event.state.session.open.take().is_some()),
        ("running interval moved", |event| {
            let Some(open) = event.state.session.open.as_mut() else { return false };
            open.started_at_us = open.started_at_us.before(Duration::from_micros(1));
            true
        }),
        ("reopened", |event| {
            let closed = !event.state.session.is_active();
            event.state.session.status = SessionStatus::Active;
            closed
        }),
        ("closed by the way", |event| {
            let closes = matches!(event.kind, EventKind::Closed { .. });
            event.state.session.status = SessionStatus::Completed;
            event.state.session.ended_at_us = Some(event.at_us);
            !closes
        }),
        ("good", |event| {
            event.state.session.total_good += 1;
            true
        }),
        ("scrap below zero", |event| {
            let EventKind::QuantitiesReported { scrap_delta, .. } = &mut event.kind else { return false };
            *scrap_delta = -3;
            event.state.session.total_scrap = -3;
            true
        }),
        ("status", |event| {
            event.state.session.current_status = Some("fault".parse::<StatusCode>().unwrap());
            true
        }),
        ("start", |event| {
            let start = event.state.session.started_at_us;
            event.state.session.started_at_us = start.after(Duration::from_micros(1));
            true
        }),
        ("names", |event| {
            event.state.session.names.worker = "renamed".into();
            event.version > 1
        }),
        ("previous", |event| event.state.previous.take().is_some()),
        ("sign of life", |event| {
            event.state.session.last_proof_at_us = TimeUs::from_micros(1);
            true
        }),
    ];

    #[test]
    fn every_mutation_of_every_kind_of_event_is_noticed() {
        let pairs = pairs(&chain());
        for (what, mutate) in MUTATIONS {
            let mut tried = 0;
            for (before, event) in &pairs {
                assert_eq!(fold_check(before.as_ref(), event), Ok(()));
                let mut mutated = event.clone();
                if mutate(&mut mutated) {
                    tried += 1;
                    let found = fold_check(before.as_ref(), &mutated);
                    assert!(found.is_err(), "{what} of {:?} went unnoticed", event.kind);
                }
            }
            assert!(tried > 0, "{what} was never tried");
        }
    }

    #[test]
    fn an_event_out_of_its_place_is_named_by_what_is_wrong() {
        let pairs = pairs(&chain());
        let find = |name: &str| pairs.iter().position(|(_, event)| event.kind.name() == name).unwrap();
        let (changed, closed) = (find("status-changed"), find("closed"));
        let event = |index: usize| &pairs[index].1;
        let before = |index: usize| pairs[index].0.as_ref();
        // Twice, skipped, first of all.
        assert_eq!(
            fold_check(before(changed + 1), event(changed)),
            Err(Broken::Version { expected: event(changed).version + 1, found: event(changed).version })
        );
        assert_eq!(
            fold_check(before(changed), event(changed + 1)),
            Err(Broken::Version { expected: event(changed).version, found: event(changed + 1).version })
        );
        assert_eq!(
            fold_check(None, event(changed)),
            Err(Broken::Version { expected: 1, found: event(changed).version })
        );
        // After the close of its session.
        assert_eq!(fold_check(before(closed + 1), event(closed)), Err(Broken::Closed));
        // A second opening beside an active session.
        let opened_again = pairs.iter().rposition(|(_, event)| event.kind.name() == "opened").unwrap();
        let active = before(changed).map(|state| {
            let mut state = state.clone();
            state.session.updated_at_us = TimeUs::from_micros(0);
            state
        });
        assert_eq!(fold_check(active.as_ref(), event(opened_again)), Err(Broken::SecondActive));
        // The second half of a replace without the first.
        let replaced = |event: &SessionEvent| matches!(event.kind, EventKind::Opened { replaces: Some(_) });
        let second = pairs.iter().position(|(_, event)| replaced(event)).unwrap();
        assert_eq!(fold_check(before(second - 1), event(second)), Err(Broken::SecondActive));
    }
}
