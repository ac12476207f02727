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
    let status = eligible(directory, &state.session, change.status)?;
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
fn eligible<'a>(directory: &'a Directory, session: &Session, code: &StatusCode) -> Result<&'a Status, Refusal> {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bus_schemas::{CommandBody, Effect, TimeUs};

    use super::*;
    use crate::session::{Ask, fixture::*};

    /// A change with everything that can be said of it.
    fn full(
        session_id: SessionId,
        status: &str,
        reason_id: Option<ReasonId>,
        note: Option<&str>,
        image: Option<&str>,
    ) -> CommandBody {
        CommandBody::Status {
            session_id,
            status: code(status),
            reason_id,
            note: note.map(Into::into),
            image_url: image.map(Into::into),
        }
    }

    #[test]
    fn a_change_ends_the_running_interval_where_the_next_begins() {
        let (mut floor, id) = Floor::working();
        let first = floor.session().open.clone().unwrap();
        let event = floor.stored(full(id, "fault", Some(JAM), Some(" jam \n"), Some("/uploads/1.png")));
        assert_eq!(event.ended, [Interval { ended_at_us: Some(floor.now), ..first }]);
        let session = floor.session();
        let next = session.open.as_ref().unwrap();
        assert_eq!((next.id, next.started_at_us, next.ended_at_us), (event.event_id, floor.now, None));
        assert_eq!((&next.status, next.reason_id), (&code("fault"), Some(JAM)));
        assert_eq!((next.note.as_deref(), next.image_url.as_deref()), (Some("jam"), Some("/uploads/1.png")));
        assert_eq!(session.current_status, Some(code("fault")));
        assert_eq!(session.last_status_change_at_us, Some(floor.now));
        assert_eq!((event.at_us, session.last_proof_at_us), (floor.now, floor.now));
    }

    #[test]
    fn the_current_status_again_changes_nothing_and_answers_the_running_interval() {
        let (mut floor, id) = Floor::working();
        floor.stored(full(id, "fault", Some(JAM), Some("jam"), Some("/1.png")));
        floor.wait(Duration::from_secs(5));
        for (note, image) in [(None, None), (Some("  "), Some("")), (Some("jam "), None), (None, Some("/1.png"))] {
            let done = floor.nothing(full(id, "fault", Some(JAM), note, image));
            assert_eq!((done.effect, &done.interval), (Effect::Nothing, &floor.session().open));
            assert_eq!(done.session.as_ref(), Some(floor.session()));
        }
    }

    #[test]
    fn another_reason_note_or_image_begins_another_interval() {
        for (reason, note, image) in [
            (None, Some("jam"), Some("/1.png")),
            (Some(JAM), Some("jam again"), None),
            (Some(JAM), None, Some("/2.png")),
        ] {
            let (mut floor, id) = Floor::working();
            floor.stored(full(id, "fault", Some(JAM), Some("jam"), Some("/1.png")));
            floor.stored(full(id, "fault", reason, note, image));
        }
    }

    #[test]
    fn only_an_active_status_of_everywhere_or_of_this_station_is_known() {
        let (mut floor, id) = Floor::working();
        for status_code in ["nothing_like_it", "gone", "elsewhere"] {
            assert_eq!(floor.refused(status(id, status_code)), RefusalCode::UnknownStatus, "{status_code}");
        }
        floor.stored(status(id, "cleaning"));
        floor.stored(status(id, "plate_change"));
        // Also when it was deactivated while it runs.
        floor.stored(status(id, "cleaning"));
        floor.put(chosen("cleaning", Some(PRESS), false, false));
        assert_eq!(floor.refused(status(id, "cleaning")), RefusalCode::UnknownStatus);
    }

    #[test]
    fn a_reason_must_exist_be_active_and_be_of_a_stop() {
        let (mut floor, id) = Floor::working();
        for reason in [ReasonId(uuid::Uuid::from_u128(404)), OLD_REASON, SMEARED] {
            let body = full(id, "fault", Some(reason), None, None);
            assert_eq!(floor.refused(body), RefusalCode::UnknownReason, "{reason}");
        }
        assert_eq!(floor.refused(status(id, "explained")), RefusalCode::ReasonRequired);
        floor.stored(full(id, "explained", Some(JAM), None, None));
    }

    #[test]
    fn hostile_text_is_refused() {
        let (mut floor, id) = Floor::working();
        let long = "x".repeat(NOTE_MAX_CHARS + 1);
        for note in ["a\u{0}b", "\u{1b}[2J", "a\rb", long.as_str()] {
            let body = full(id, "fault", None, Some(note), None);
            assert_eq!(floor.refused(body), RefusalCode::InvalidPayload, "{note:?}");
        }
        for image in ["javascript:alert(1)", "http://a/b", "//a/b", "/a\nb"] {
            let body = full(id, "fault", None, None, Some(image));
            assert_eq!(floor.refused(body), RefusalCode::InvalidPayload, "{image:?}");
        }
    }

    #[test]
    fn refusals_by_the_state_of_the_session() {
        let (mut floor, id) = Floor::pending();
        assert_eq!(floor.refused(status(id, "production")), RefusalCode::StartChecklistRequired);
        let stranger = SessionId(uuid::Uuid::from_u128(404));
        assert_eq!(floor.refused(status(stranger, "production")), RefusalCode::NotFound);
        let (mut floor, id) = Floor::completed();
        let refusal = floor.refusal(status(id, "production"));
        assert_eq!((refusal.code, refusal.session.as_ref()), (RefusalCode::SessionClosed, Some(floor.session())));
        floor.open(BENCH);
        assert_eq!(floor.refused(status(id, "production")), RefusalCode::SessionClosed);
    }

    /// Fault 33: the clock runs back between two statuses.
    #[test]
    fn a_clock_that_ran_back_makes_an_empty_interval_not_a_negative_one() {
        let (mut floor, id) = Floor::working();
        let last = floor.session().updated_at_us;
        floor.now = last.before(Duration::from_secs(3_600));
        let event = floor.stored(status(id, "production"));
        assert_eq!((event.at_us, event.ended[0].ended_at_us), (last, Some(last)));
    }

    #[test]
    fn when_the_person_pressed_is_kept_and_never_used() {
        let (mut floor, id) = Floor::working();
        let mut command = floor.command(status(id, "production"));
        let pressed = TimeUs::from_micros(17);
        command.reported_at_us = Some(pressed);
        floor.ask(&Ask::Command(&command)).unwrap();
        let running = floor.session().open.as_ref().unwrap();
        assert_eq!((running.reported_at_us, running.started_at_us), (Some(pressed), floor.now));
    }
}
