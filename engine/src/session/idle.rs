//! Idle: nobody has shown signs of life for too long. When that is so, is the owner's to say (protocol rules 11 to 14).

use bus_schemas::{CommandId, Refusal, RefusalCode, TimeUs, WorkerState};

use super::{
    Context, Decision,
    act::Act,
    case::nothing,
    close::{self, Ending},
};

/// Closes the active session, keeping proven and unproven time apart; a closed one stays as it is.
pub(super) fn decide(state: Option<&WorkerState>, last_seen: TimeUs, context: &Context) -> Result<Decision, Refusal> {
    let state = state.ok_or_else(|| Refusal::new(RefusalCode::NotFound, "the worker has no session"))?;
    if !state.session.is_active() {
        return Ok(nothing(&state.session));
    }
    let id = CommandId::idle(state.session.id, state.session.version);
    Ok(close::decide(&Act::of_owner(id, state, context.now), state, Ending::Idle { last_seen }))
}
