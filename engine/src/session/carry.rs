//! Carry: the same state again, so that an active session holds no old message in the log.

use bus_schemas::{CommandId, EventKind, Refusal, RefusalCode, WorkerState};

use super::{Context, Decision, act::Act, case::nothing};

/// Moves an active session forward in the log; a closed one holds nothing back and stays where it is.
pub(super) fn decide(state: Option<&WorkerState>, context: &Context) -> Result<Decision, Refusal> {
    let state = state.ok_or_else(|| Refusal::new(RefusalCode::NotFound, "the worker has no session"))?;
    if !state.session.is_active() {
        return Ok(nothing(&state.session));
    }
    let act = Act::of_owner(CommandId::carried(state.session.id, state.session.version), state, context.now);
    Ok(Decision::Publish(vec![act.accept(0, EventKind::Carried, act.step(state), Vec::new())]))
}
