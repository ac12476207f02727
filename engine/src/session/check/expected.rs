//! What the session must be after an event: the state before it, moved on by what the event says happened.

use bus_schemas::{
    CloseCause, EventId, EventKind, Extra, Interval, JobId, Session, SessionEvent, SessionStatus, StatusCode, TimeUs,
    WorkerState, command::ChecklistKind, limits::QUANTITY_MAX,
};

use super::{super::GRACE_EXPIRED_NOTE, Broken, same};

/// A new session: nothing of the one before goes on in it.
pub(super) fn opened(before: Option<&WorkerState>, event: &SessionEvent) -> Result<Session, Broken> {
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
pub(super) fn followed(before: &WorkerState, event: &SessionEvent) -> Result<Session, Broken> {
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
            id: EventId::derive(session.worker_id, &event.command_id, event.at_us, 1),
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
