//! Answers to accepted commands, the same however often they are asked for.

use bus_schemas::{Command, CommandBody, Done, Effect, EventKind, Interval, Session, SessionEvent, WorkerState};

/// The answer to a command that made this event: from the event alone, so that repeats answer the same. Of a replace
/// it is the second event, `opened`.
#[must_use]
pub fn answer_from_event(event: &SessionEvent, seq: u64) -> Done {
    let session = &event.state.session;
    let interval = matches!(event.kind, EventKind::StatusChanged).then(|| session.open.clone()).flatten();
    stored(Some(session), interval, seq)
}

/// The answer to a command whose event has left the log: from the session as it is now. An opening answers the
/// worker's latest session; a command for a session older than the state holds answers none, for no other would be
/// true.
#[must_use]
pub fn answer_without_event(command: &Command, state: &WorkerState, seq: u64) -> Done {
    let session = match command.body.session_id() {
        None => Some(&state.session),
        Some(id) if state.session.id == id => Some(&state.session),
        Some(id) => state.previous.as_deref().filter(|previous| previous.id == id),
    };
    let asks_interval = matches!(command.body, CommandBody::Status { .. });
    let interval = session.filter(|_| asks_interval).and_then(|session: &Session| session.open.clone());
    stored(session, interval, seq)
}

fn stored(session: Option<&Session>, interval: Option<Interval>, seq: u64) -> Done {
    Done { effect: Effect::Stored, session: session.cloned(), interval, seq, grace_expires_at_us: None }
}

#[cfg(test)]
mod tests {
    use bus_schemas::SessionId;

    use super::*;
    use crate::session::fixture::*;

    #[test]
    fn a_status_change_answers_the_interval_it_began_and_the_others_none() {
        let (mut floor, id) = Floor::working();
        let event = floor.stored(status(id, "production"));
        let done = answer_from_event(&event, 77);
        assert_eq!((done.effect, done.seq, done.grace_expires_at_us), (Effect::Stored, 77, None));
        assert_eq!((done.session.as_ref(), &done.interval), (Some(floor.session()), &floor.session().open));
        let event = floor.stored(totals(id, Some(1), None));
        assert_eq!(answer_from_event(&event, 78).interval, None);
    }

    #[test]
    fn without_its_event_a_command_is_answered_from_the_session_it_named() {
        let (mut floor, first) = Floor::working();
        let second = floor.open(BENCH);
        let state = floor.state.clone().unwrap();
        let mut named = |body| {
            let done = answer_without_event(&floor.command(body), &state, 9);
            assert_eq!((done.effect, done.seq), (Effect::Stored, 9));
            (done.session.map(|session| session.id), done.interval)
        };
        assert_eq!(named(open(PRESS, "4711")), (Some(second), None));
        assert_eq!(named(status(second, "production")), (Some(second), state.session.open.clone()));
        assert_eq!(named(status(first, "production")), (Some(first), None));
        assert_eq!(named(totals(second, Some(1), None)), (Some(second), None));
        assert_eq!(named(start(SessionId(uuid::Uuid::from_u128(404)))), (None, None));
    }
}
