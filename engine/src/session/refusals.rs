//! Every refusal code, met by a command: a new code does not compile without one.

use bus_schemas::{
    Command, CommandBody, RefusalCode, SessionId,
    command::{AbandonReason, ChecklistKind},
    directory::Record,
};

use super::{Ask, fixture::*};

/// A situation, and a command that is refused in it with this code.
fn provoked(code: RefusalCode) -> (Floor, CommandBody) {
    let (pending, new) = (Floor::pending(), Floor::new());
    let (mut working, id) = Floor::working();
    match code {
        RefusalCode::SessionClosed => {
            let (floor, id) = Floor::completed();
            (floor, status(id, "production"))
        }
        RefusalCode::NotFound => (new, status(SessionId(uuid::Uuid::from_u128(404)), "production")),
        RefusalCode::StationNotAssigned => (new, open(FOREIGN, "4711")),
        RefusalCode::StationInactive => (new, open(RETIRED, "4711")),
        RefusalCode::WorkerInactive => {
            working.put(Record::Worker(worker(false)));
            (working, open(PRESS, "4711"))
        }
        RefusalCode::StartChecklistRequired => (pending.0, status(pending.1, "production")),
        RefusalCode::EndChecklistRequired => (working, CommandBody::Complete { session_id: id }),
        RefusalCode::ChecklistIncomplete => (pending.0, checklist(pending.1, PRESS, ChecklistKind::Start, &["paper"])),
        RefusalCode::StationMismatch => (pending.0, checklist(pending.1, BENCH, ChecklistKind::Start, &[])),
        RefusalCode::UnknownStatus => (working, status(id, "nothing_like_it")),
        RefusalCode::UnknownReason => (working, with_reason(id)),
        RefusalCode::ReasonRequired => (working, status(id, "explained")),
        RefusalCode::InvalidQuantity => (working, totals(id, Some(-1), None)),
        RefusalCode::SessionStillLive => {
            (working, CommandBody::Abandon { session_id: id, reason: AbandonReason::Expired })
        }
        RefusalCode::IdempotencyKeyReused => (working, totals(id, Some(7), None)),
        RefusalCode::InvalidPayload => (new, open(PRESS, " 4711")),
    }
}

fn with_reason(session_id: SessionId) -> CommandBody {
    CommandBody::Status { session_id, status: code("fault"), reason_id: Some(SMEARED), note: None, image_url: None }
}

#[test]
fn every_refusal_code_is_met() {
    for code in RefusalCode::ALL {
        let (mut floor, body) = provoked(code);
        let mut command = floor.command(body);
        if code == RefusalCode::IdempotencyKeyReused {
            command.id = floor.events[0].command_id.clone();
        }
        let refusal = floor.ask(&Ask::Command(&command)).expect_err("a refusal");
        assert_eq!(refusal.code, code, "{command:?}");
        assert!(!refusal.message.is_empty());
        // Asked again, and by the next owner, it is refused again: nothing of it was kept.
        let again = Command { expires_at_us: floor.now, ..command };
        assert_eq!(floor.ask(&Ask::Command(&again)).expect_err("a refusal"), refusal);
    }
}
