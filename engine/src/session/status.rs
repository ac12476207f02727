//! Status: the session does something else from now on.

use bus_schemas::{
    Done, EventKind, Interval, ReasonId, Refusal, RefusalCode, Session, SessionId, StatusCode, WorkerState,
    directory::Directory,
    limits::NOTE_MAX_CHARS,
    records::{ReasonType, Status},
    text,
};

use super::{
    Decision,
    case::{Case, already, bad_text, running},
};

/// What a worker asks for, as it came.
pub(super) struct Change<'a> {
    pub(super) session_id: SessionId,
    pub(super) status: &'a StatusCode,
    pub(super) reason_id: Option<ReasonId>,
    pub(super) note: Option<&'a str>,
    pub(super) image_url: Option<&'a str>,
}

/// Ends the running interval and begins the next at the same instant, as one event. A change to what already is,
/// without a new note or image, makes no event and answers the running interval.
pub(super) fn decide(case: &Case, change: &Change) -> Result<Decision, Refusal> {
    let state = case.active(change.session_id)?;
    let running = running(&state.session)?;
    let note = change.note.and_then(text::present);
    let image_url = change.image_url.and_then(text::present);
    note.map_or(Ok(()), |note| text::check_note(note, NOTE_MAX_CHARS)).map_err(bad_text("note"))?;
    image_url.map_or(Ok(()), text::check_image_url).map_err(bad_text("image"))?;

    let directory = case.context.directory;
    let status = status(directory, &state.session, change.status)?;
    change.reason_id.map_or(Ok(()), |id| check_reason(directory, id, ReasonType::Stop))?;
    if status.requires_reason && change.reason_id.is_none() {
        return Err(Refusal::new(RefusalCode::ReasonRequired, "this status needs a reason"));
    }
    let wanted = Wanted { status: change.status, reason_id: change.reason_id, note, image_url };
    if wanted.is_so(running) {
        return Ok(Decision::Nothing(Done { interval: Some(running.clone()), ..already(Some(&state.session)) }));
    }
    Ok(publish(case, state, running, &wanted))
}

/// The next interval, checked.
struct Wanted<'a> {
    status: &'a StatusCode,
    reason_id: Option<ReasonId>,
    note: Option<&'a str>,
    image_url: Option<&'a str>,
}

impl Wanted<'_> {
    /// Absent is not new, and what the running interval already says is not new either.
    fn is_so(&self, running: &Interval) -> bool {
        running.status == *self.status
            && running.reason_id == self.reason_id
            && self.note.is_none_or(|note| running.note.as_deref() == Some(note))
            && self.image_url.is_none_or(|url| running.image_url.as_deref() == Some(url))
    }
}

/// The status of this code, if it may be chosen at the session's station.
fn status<'a>(directory: &'a Directory, session: &Session, code: &StatusCode) -> Result<&'a Status, Refusal> {
    directory
        .status(code)
        .map(|stored| &*stored.record)
        .filter(|status| status.is_active && status.station_id.is_none_or(|station| station == session.station_id))
        .ok_or_else(|| Refusal::new(RefusalCode::UnknownStatus, "there is no such status at this station"))
}

/// A reason that is given must exist, be active and be of the right type.
///
/// # Errors
/// `UNKNOWN_REASON`.
pub(super) fn check_reason(directory: &Directory, id: ReasonId, kind: ReasonType) -> Result<(), Refusal> {
    match directory.reason(id) {
        Some(stored) if stored.record.is_active && stored.record.kind == kind => Ok(()),
        _ => Err(Refusal::new(RefusalCode::UnknownReason, format!("there is no such {} reason", kind.as_str()))),
    }
}

fn publish(case: &Case, before: &WorkerState, running: &Interval, wanted: &Wanted) -> Decision {
    let act = case.act();
    let mut state = act.step(before);
    state.session.current_status = Some(wanted.status.clone());
    state.session.last_status_change_at_us = Some(act.at);
    state.session.open = Some(Interval {
        reason_id: wanted.reason_id,
        note: wanted.note.map(Into::into),
        image_url: wanted.image_url.map(Into::into),
        ..act.interval(0, wanted.status.clone())
    });
    let ended = Interval { ended_at_us: Some(act.at), ..running.clone() };
    Decision::Publish(vec![act.accept(0, EventKind::StatusChanged, state, vec![ended])])
}
