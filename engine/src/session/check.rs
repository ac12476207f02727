//! Checks that an event fits the state before it: told a second time, from what the event says happened, and compared
//! with the state it carries. Used by tests and by whoever verifies a log.

use bus_schemas::{
    Actor, CloseCause, EventKind, Extra, Interval, JobId, Session, SessionEvent, SessionStatus, StatusCode, TimeUs,
    WorkerState, command::ChecklistKind, limits::QUANTITY_MAX,
};

use super::GRACE_EXPIRED_NOTE;

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
        _ if matches!(event.kind, EventKind::Opened { .. }) => opened(before, event)?,
        Some(before) => followed(before, event)?,
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
    if event.at_us != session.updated_at_us { Err(Broken::Time) } else { Ok(()) }
}

/// A new session: nothing of the one before goes on in it.
fn opened(before: Option<&WorkerState>, event: &SessionEvent) -> Result<Session, Broken> {
    let EventKind::Opened { replaces } = event.kind else { return Err(Broken::Field("kind")) };
    let session = &event.state.session;
    let last = before.map(|before| &before.session);
    if last.is_some_and(Session::is_active) {
        return Err(Broken::SecondActive);
    }
    if event.version != 1 {
        return Err(Broken::Version { expected: 1, found: event.version });
    }
    // A replaced session is closed by the message before, and only then.
    let replaced = last.filter(|last| last.closed_cause == Some(CloseCause::Replaced)).map(|last| last.id);
    if last.is_some_and(|last| last.id == session.id) || replaces != replaced {
        return Err(Broken::Elsewhere);
    }
    match (last, event.state.previous.as_deref()) {
        (Some(last), Some(previous)) => same(last, previous).map_err(|_| Broken::Previous)?,
        (None, None) => {}
        _ => return Err(Broken::Previous),
    }
    ended(event, &[])?;
    Ok(at_opening(event))
}

fn at_opening(event: &SessionEvent) -> Session {
    let session = &event.state.session;
    let stopped = session.start_checklist_completed.then(StatusCode::stopped);
    Session {
        version: 1,
        job_id: JobId::of(&session.names.job_number),
        status: SessionStatus::Active,
        opened_at_us: event.at_us,
        started_at_us: event.at_us,
        ended_at_us: None,
        effective_end_at_us: None,
        forced_closed_at_us: None,
        closed_cause: None,
        last_status_change_at_us: stopped.as_ref().map(|_| event.at_us),
        last_working_status: None,
        total_good: 0,
        total_scrap: 0,
        open: stopped.clone().map(|status| begun(event, status)),
        current_status: stopped,
        last_proof_at_us: event.at_us,
        updated_at_us: event.at_us,
        // Taken as they are: its id, whose, where, the names, the gates.
        ..session.clone()
    }
}

/// The next event of the active session.
fn followed(before: &WorkerState, event: &SessionEvent) -> Result<Session, Broken> {
    if event.session_id != before.session.id || event.state.session.worker_id != before.session.worker_id {
        return Err(Broken::Elsewhere);
    }
    if !before.session.is_active() {
        return Err(Broken::Closed);
    }
    let expected = before.session.version.saturating_add(1);
    if event.version != expected {
        return Err(Broken::Version { expected, found: event.version });
    }
    if event.state.previous != before.previous {
        return Err(Broken::Previous);
    }
    let mut session = before.session.clone();
    session.version = expected;
    session.updated_at_us = event.at_us;
    if event.actor.is_worker() && !is_grace_expired(&event.kind) {
        session.last_proof_at_us = event.at_us;
    }
    happened(&mut session, event)?;
    Ok(session)
}

fn is_grace_expired(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Closed { note: Some(note), .. } if **note == *GRACE_EXPIRED_NOTE)
}

fn happened(session: &mut Session, event: &SessionEvent) -> Result<(), Broken> {
    let started = session.open.is_some();
    match &event.kind {
        EventKind::ChecklistCompleted { list: ChecklistKind::Start, .. } if !started => {
            session.start_checklist_completed = true;
            session.required_start = Box::default();
            session.started_at_us = event.at_us;
            run(session, event, StatusCode::stopped());
            ended(event, &[])
        }
        EventKind::ChecklistCompleted { list: ChecklistKind::End, .. }
            if started && !session.end_checklist_completed =>
        {
            session.end_checklist_completed = true;
            session.required_end = Box::default();
            ended(event, &[])
        }
        EventKind::StatusChanged if started => {
            let next = event.state.session.open.clone().ok_or(Broken::Intervals)?;
            ended(event, &until(session.open.take(), event.at_us))?;
            run(session, event, next.status.clone());
            // What the worker says of it is free.
            session.open = session.open.take().map(|open| Interval {
                started_at_us: open.started_at_us,
                id: open.id,
                ended_at_us: None,
                ..next
            });
            Ok(())
        }
        EventKind::QuantitiesReported { good_delta, scrap_delta, status_event_id, .. } if started => {
            session.total_good = total(session.total_good, *good_delta)?;
            session.total_scrap = total(session.total_scrap, *scrap_delta)?;
            let found = &event.state.session;
            if (session.total_good, session.total_scrap) != (found.total_good, found.total_scrap) {
                return Err(Broken::Totals);
            }
            if session.open.as_ref().map(|open| open.id) != Some(*status_event_id) {
                return Err(Broken::Intervals);
            }
            ended(event, &[])
        }
        EventKind::Closed { cause, note } => closed(session, event, *cause, note.as_deref()),
        EventKind::Carried => ended(event, &[]),
        _ => Err(Broken::Field("kind")),
    }
}

fn closed(session: &mut Session, event: &SessionEvent, cause: CloseCause, note: Option<&str>) -> Result<(), Broken> {
    let forced = cause != CloseCause::Completed;
    if forced != note.is_some() || (!forced && session.open.is_none()) {
        return Err(Broken::Field("note"));
    }
    let earliest = session.open.as_ref().map_or(session.opened_at_us, |open| open.started_at_us);
    let proven = event.state.session.effective_end_at_us.ok_or(Broken::Field("effective_end_at_us"))?;
    let fits =
        if cause == CloseCause::Idle { earliest <= proven && proven <= event.at_us } else { proven == event.at_us };
    if !fits {
        return Err(Broken::Field("effective_end_at_us"));
    }
    let mut expected = until(session.open.take(), proven);
    if forced {
        let appended = event.ended.last().ok_or(Broken::Intervals)?;
        expected.push(Interval {
            status: StatusCode::stopped(),
            note: note.map(Into::into),
            reason_id: None,
            image_url: None,
            started_at_us: proven,
            ended_at_us: Some(event.at_us),
            ..appended.clone()
        });
    }
    session.status = cause.status_after();
    session.closed_cause = Some(cause);
    session.ended_at_us = Some(event.at_us);
    session.effective_end_at_us = Some(proven);
    session.forced_closed_at_us = forced.then_some(event.at_us);
    session.last_working_status = session.current_status.replace(StatusCode::stopped());
    session.last_status_change_at_us = Some(proven);
    ended(event, &expected)
}

/// A new interval runs from the event on.
fn run(session: &mut Session, event: &SessionEvent, status: StatusCode) {
    session.current_status = Some(status.clone());
    session.last_status_change_at_us = Some(event.at_us);
    session.open = Some(begun(event, status));
}

/// The interval an event begins, as far as it is bound.
fn begun(event: &SessionEvent, status: StatusCode) -> Interval {
    Interval {
        id: event.event_id,
        status,
        reason_id: None,
        note: None,
        image_url: None,
        started_at_us: event.at_us,
        ended_at_us: None,
        reported_at_us: event.state.session.open.as_ref().and_then(|open| open.reported_at_us),
        extra: Extra::new(),
    }
}

fn until(open: Option<Interval>, end: TimeUs) -> Vec<Interval> {
    open.into_iter().map(|open| Interval { ended_at_us: Some(end), ..open }).collect()
}

fn ended(event: &SessionEvent, expected: &[Interval]) -> Result<(), Broken> {
    let plain = |interval: &Interval| Interval { extra: Extra::new(), ..interval.clone() };
    if event.ended.iter().map(plain).eq(expected.iter().map(plain)) { Ok(()) } else { Err(Broken::Intervals) }
}

fn total(before: i64, delta: i64) -> Result<i64, Broken> {
    before.checked_add(delta).filter(|total| (0..=QUANTITY_MAX).contains(total)).ok_or(Broken::Totals)
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
