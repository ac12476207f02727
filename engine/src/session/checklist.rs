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

#[cfg(test)]
mod tests {
    use bus_schemas::directory::Record;

    use super::*;
    use crate::session::fixture::*;

    fn answers(session_id: SessionId, list: ChecklistKind, answers: Vec<Answer>) -> bus_schemas::CommandBody {
        bus_schemas::CommandBody::Checklist { session_id, station_id: PRESS, list, answers }
    }

    fn text(item: &str, text: &str) -> Answer {
        Answer { item_id: item.into(), value_bool: None, value_text: Some(text.into()) }
    }

    #[test]
    fn the_start_list_sets_the_start_and_opens_the_first_interval() {
        let (mut floor, id) = Floor::pending();
        let event = floor.stored(start(id));
        let session = floor.session();
        assert_eq!(session.started_at_us, floor.now);
        assert_eq!(session.opened_at_us, START);
        let running = session.open.as_ref().unwrap();
        assert_eq!((running.id, running.started_at_us), (event.event_id, floor.now));
        assert_eq!((&running.status, &session.current_status), (&code("stopped"), &Some(code("stopped"))));
        assert!(session.start_checklist_completed && session.required_start.is_empty());
        // The event names the items asked, in their order.
        let items = ["paper", "oil", "radio"].map(ItemId::from).to_vec();
        assert_eq!(event.kind, EventKind::ChecklistCompleted { list: ChecklistKind::Start, items });
    }

    #[test]
    fn submitting_again_changes_nothing_and_succeeds() {
        let (mut floor, id) = Floor::working();
        let before = floor.session().clone();
        assert_eq!(floor.nothing(start(id)).session, Some(before.clone()));
        assert_eq!(floor.nothing(checklist(id, PRESS, ChecklistKind::Start, &[])).session, Some(before));
        floor.stored(end(id));
        assert!(floor.nothing(end(id)).session.unwrap().end_checklist_completed);
        let bench = floor.open(BENCH);
        floor.nothing(checklist(bench, BENCH, ChecklistKind::Start, &[]));
        floor.nothing(checklist(bench, BENCH, ChecklistKind::End, &[]));
    }

    #[test]
    fn every_required_item_needs_true_or_text_and_the_missing_are_named() {
        let tick = |item: &str, value| Answer { item_id: item.into(), value_bool: Some(value), value_text: None };
        for (given, missing) in [
            (vec![], vec!["paper", "oil"]),
            (vec![tick("oil", true)], vec!["paper"]),
            (vec![tick("oil", true), tick("paper", false)], vec!["paper"]),
            (vec![tick("oil", true), text("paper", " \n ")], vec!["paper"]),
            (vec![tick("paper", true), tick("radio", true), tick("unknown", true)], vec!["oil"]),
        ] {
            let (mut floor, id) = Floor::pending();
            let refusal = floor.refusal(answers(id, ChecklistKind::Start, given));
            assert_eq!(refusal.code, RefusalCode::ChecklistIncomplete);
            assert_eq!(refusal.missing, missing.into_iter().map(ItemId::from).collect::<Vec<_>>());
        }
        let (mut floor, id) = Floor::pending();
        floor.stored(answers(id, ChecklistKind::Start, vec![text("paper", "A4"), tick("oil", true), tick("x", true)]));
    }

    #[test]
    fn answers_satisfy_the_list_as_it_is_now_or_as_it_was_at_the_opening() {
        let now = [item("belt", 1, true), item("radio", 2, false)];
        for (ticked, items) in [
            (&["belt"][..], Some(vec!["belt", "radio"])),
            (&["paper", "oil"][..], Some(vec!["paper", "oil"])),
            (&["paper"][..], None),
        ] {
            let (mut floor, id) = Floor::pending();
            floor.put(Record::Station(station(PRESS, "press", &now, &[])));
            let body = checklist(id, PRESS, ChecklistKind::Start, ticked);
            match items {
                None => assert_eq!(floor.refusal(body).missing, [ItemId::from("belt")]),
                Some(items) => {
                    let items = items.into_iter().map(ItemId::from).collect();
                    let kind = EventKind::ChecklistCompleted { list: ChecklistKind::Start, items };
                    assert_eq!(floor.stored(body).kind, kind);
                }
            }
        }
    }

    #[test]
    fn a_list_emptied_since_the_opening_is_satisfied_by_no_answers() {
        let (mut floor, id) = Floor::pending();
        floor.put(Record::Station(station(PRESS, "press", &[], &[])));
        floor.stored(checklist(id, PRESS, ChecklistKind::Start, &[]));
        floor.stored(checklist(id, PRESS, ChecklistKind::End, &[]));
    }

    #[test]
    fn a_list_that_appeared_since_the_opening_is_no_gate() {
        let mut floor = Floor::new();
        let id = floor.open(BENCH);
        floor.put(Record::Station(station(BENCH, "bench", &[item("a", 1, true)], &[item("b", 1, true)])));
        floor.stored(status(id, "production"));
        floor.stored(bus_schemas::CommandBody::Complete { session_id: id });
    }

    #[test]
    fn a_list_of_optional_items_still_has_to_be_submitted() {
        let mut floor = Floor::new();
        floor.put(Record::Station(station(BENCH, "bench", &[item("a", 1, false)], &[])));
        let id = floor.open(BENCH);
        assert_eq!(floor.refused(status(id, "production")), RefusalCode::StartChecklistRequired);
        floor.stored(checklist(id, BENCH, ChecklistKind::Start, &[]));
        floor.stored(status(id, "production"));
    }

    #[test]
    fn the_end_list_leaves_status_and_intervals_alone_and_status_may_change_after_it() {
        let (mut floor, id) = Floor::working();
        floor.stored(status(id, "production"));
        let running = floor.session().open.clone();
        let event = floor.stored(end(id));
        assert_eq!((&floor.session().open, event.ended), (&running, vec![]));
        floor.stored(status(id, "stopped"));
        assert!(floor.session().end_checklist_completed);
    }

    #[test]
    fn refusals_of_checklists() {
        let (mut floor, id) = Floor::pending();
        assert_eq!(floor.refused(end(id)), RefusalCode::StartChecklistRequired);
        let elsewhere = checklist(id, BENCH, ChecklistKind::Start, &["paper", "oil"]);
        assert_eq!(floor.refused(elsewhere), RefusalCode::StationMismatch);
        let stranger = SessionId(uuid::Uuid::from_u128(404));
        assert_eq!(floor.refused(start(stranger)), RefusalCode::NotFound);
        assert_eq!(Floor::new().refused(start(stranger)), RefusalCode::NotFound);
        let many = vec![text("x", "y"); ANSWERS_MAX + 1];
        let long = vec![text("x", &"y".repeat(ANSWER_MAX_CHARS + 1))];
        for hostile in [many, long, vec![text("x", "\u{1b}[2J")]] {
            let body = answers(id, ChecklistKind::Start, hostile);
            assert_eq!(floor.refused(body), RefusalCode::InvalidPayload);
        }
    }

    #[test]
    fn the_start_list_of_a_closed_session_is_refused_and_the_end_list_succeeds() {
        let (mut floor, id) = Floor::completed();
        let refusal = floor.refusal(start(id));
        assert_eq!((refusal.code, refusal.session.as_ref()), (RefusalCode::SessionClosed, Some(floor.session())));
        let closed = floor.session().clone();
        assert_eq!(floor.nothing(end(id)).session, Some(closed.clone()));
        // Also when it is the one before.
        floor.open(BENCH);
        assert_eq!(floor.nothing(end(id)).session, Some(closed));
        assert_eq!(floor.refused(start(id)), RefusalCode::SessionClosed);
    }
}
