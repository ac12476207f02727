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
