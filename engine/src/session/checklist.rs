//! Checklists: the gates before and after work.

use bus_schemas::{
    EventKind, ItemId, Refusal, RefusalCode, Session, SessionId, StationId, StatusCode, WorkerState,
    command::{Answer, ChecklistKind},
    directory::Directory,
    limits::{ANSWER_MAX_CHARS, ANSWERS_MAX},
    records::ChecklistItem,
    text,
};

use super::{
    Decision,
    case::{Case, Named, bad_text, invalid, nothing, running},
};

/// What a worker submits.
pub(super) struct Submission<'a> {
    pub(super) session_id: SessionId,
    pub(super) station_id: StationId,
    pub(super) list: ChecklistKind,
    pub(super) answers: &'a [Answer],
}

/// Passes a gate. Submitting a list again changes nothing and succeeds, and so does the end list of a closed session.
pub(super) fn decide(case: &Case, submission: &Submission) -> Result<Decision, Refusal> {
    let state = match case.named(submission.session_id)? {
        Named::Closed(session) if submission.list == ChecklistKind::End => return Ok(nothing(session)),
        _ => case.active(submission.session_id)?,
    };
    let session = &state.session;
    if session.station_id != submission.station_id {
        return Err(Refusal::new(RefusalCode::StationMismatch, "the session is at another station"));
    }
    if submission.list == ChecklistKind::End {
        running(session)?;
    }
    if passed(session, submission.list) {
        return Ok(nothing(session));
    }
    check(submission.answers)?;
    let items = asked(now(case.context.directory, session.station_id, submission.list), session, submission)?;
    Ok(pass(case, state, submission.list, items))
}

/// The list as it is now, in its order. A station that is gone asks nothing, or nobody could ever pass.
pub(super) fn now(directory: &Directory, station: StationId, list: ChecklistKind) -> Vec<&ChecklistItem> {
    let station = directory.station(station).map(|stored| &stored.record);
    let items = station.map_or(&[][..], |station| match list {
        ChecklistKind::Start => &station.start_checklist,
        ChecklistKind::End => &station.end_checklist,
    });
    in_order(items)
}

/// The items that need an answer, in the order of the list.
pub(super) fn required(items: &[ChecklistItem]) -> Box<[ItemId]> {
    in_order(items).into_iter().filter(|item| item.is_required).map(|item| item.id.clone()).collect()
}

fn in_order(items: &[ChecklistItem]) -> Vec<&ChecklistItem> {
    let mut items: Vec<_> = items.iter().collect();
    items.sort_by_key(|item| item.order_index);
    items
}

const fn passed(session: &Session, list: ChecklistKind) -> bool {
    match list {
        ChecklistKind::Start => session.start_checklist_completed,
        ChecklistKind::End => session.end_checklist_completed,
    }
}

/// Answers are dropped after this, but hostile ones are not even read.
fn check(answers: &[Answer]) -> Result<(), Refusal> {
    if answers.len() > ANSWERS_MAX {
        return Err(invalid(format!("at most {ANSWERS_MAX} answers are allowed")));
    }
    for text in answers.iter().filter_map(|answer| answer.value_text.as_deref()) {
        text::check_note(text, ANSWER_MAX_CHARS).map_err(bad_text("answer"))?;
    }
    Ok(())
}

/// The items of the list that the answers satisfy: as it is now, or as it was at the opening (an admin may edit a list
/// while a worker is filling it in).
fn asked(now: Vec<&ChecklistItem>, session: &Session, submission: &Submission) -> Result<Vec<ItemId>, Refusal> {
    let given = |id: &ItemId| submission.answers.iter().any(|answer| answer.item_id == *id && answer.is_given());
    let missing: Vec<_> =
        now.iter().filter(|item| item.is_required && !given(&item.id)).map(|item| item.id.clone()).collect();
    if missing.is_empty() {
        return Ok(now.into_iter().map(|item| item.id.clone()).collect());
    }
    let at_opening = match submission.list {
        ChecklistKind::Start => &session.required_start,
        ChecklistKind::End => &session.required_end,
    };
    if at_opening.iter().all(given) {
        return Ok(at_opening.to_vec());
    }
    let message = "required items have no answer";
    Err(Refusal { missing, ..Refusal::new(RefusalCode::ChecklistIncomplete, message) })
}

/// The gate is passed; the start gate sets the official start and opens the first interval.
fn pass(case: &Case, before: &WorkerState, list: ChecklistKind, items: Vec<ItemId>) -> Decision {
    let act = case.act();
    let mut state = act.step(before);
    let session = &mut state.session;
    match list {
        ChecklistKind::Start => {
            session.start_checklist_completed = true;
            session.required_start = Box::default();
            session.started_at_us = act.at;
            session.current_status = Some(StatusCode::stopped());
            session.last_status_change_at_us = Some(act.at);
            session.open = Some(act.interval(0, StatusCode::stopped()));
        }
        ChecklistKind::End => {
            session.end_checklist_completed = true;
            session.required_end = Box::default();
        }
    }
    Decision::Publish(vec![act.accept(0, EventKind::ChecklistCompleted { list, items }, state, Vec::new())])
}
