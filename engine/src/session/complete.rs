//! Complete: the worker has finished.

use bus_schemas::{Refusal, RefusalCode, SessionId, command::ChecklistKind};

use super::{
    Decision,
    case::{Case, Named, nothing, running},
    checklist,
    close::{self, Ending},
};

/// Closes a session whose gates are passed; a closed one stays as it is.
pub(super) fn decide(case: &Case, id: SessionId) -> Result<Decision, Refusal> {
    let state = match case.named(id)? {
        Named::Closed(session) => return Ok(nothing(session)),
        Named::Active(state) => state,
    };
    running(&state.session)?;
    let list = checklist::now(case.context.directory, state.session.station_id, ChecklistKind::End);
    // A list emptied since the opening asks nothing: nobody could submit it.
    if !state.session.end_checklist_completed && !list.is_empty() {
        return Err(Refusal::new(RefusalCode::EndChecklistRequired, "the end checklist has to be submitted first"));
    }
    Ok(close::decide(&case.act(), state, Ending::Completed))
}

#[cfg(test)]
mod tests {
    use bus_schemas::{CommandBody, directory::Record};

    use super::*;
    use crate::session::fixture::*;

    fn complete(session_id: SessionId) -> CommandBody {
        CommandBody::Complete { session_id }
    }

    #[test]
    fn completing_needs_both_gates() {
        let (mut floor, id) = Floor::pending();
        assert_eq!(floor.refused(complete(id)), RefusalCode::StartChecklistRequired);
        floor.stored(start(id));
        assert_eq!(floor.refused(complete(id)), RefusalCode::EndChecklistRequired);
        floor.stored(end(id));
        floor.stored(complete(id));
    }

    #[test]
    fn an_end_list_emptied_since_the_opening_is_not_needed() {
        let (mut floor, id) = Floor::working();
        floor.put(Record::Station(station(PRESS, "press", &[], &[])));
        floor.stored(complete(id));
        assert!(!floor.session().end_checklist_completed);
    }

    #[test]
    fn completing_again_changes_nothing_and_succeeds() {
        let (mut floor, id) = Floor::completed();
        let closed = floor.session().clone();
        assert_eq!(floor.nothing(complete(id)).session, Some(closed.clone()));
        floor.open(BENCH);
        assert_eq!(floor.nothing(complete(id)).session, Some(closed));
        assert_eq!(floor.refused(complete(SessionId(uuid::Uuid::from_u128(404)))), RefusalCode::NotFound);
    }
}
