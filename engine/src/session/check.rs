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
