//! Admin close: a supervisor closes a session, before its start gate too.

use bus_schemas::{Refusal, SessionId};

use super::{
    Decision,
    case::Case,
    close::{self, Ending},
};

/// Closes an active session; a closed one is refused, so that "closed: n" counts what was closed here.
pub(super) fn decide(case: &Case, id: SessionId) -> Result<Decision, Refusal> {
    let state = case.active(id)?;
    Ok(close::decide(&case.act(), state, Ending::Admin))
}
