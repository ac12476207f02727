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
