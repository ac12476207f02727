//! What must hold in every state, and what must be possible.

use stateright::Property;

use super::{SLACK, Silence, State};

/// Who beats through a gateway that reaches the owner is not closed before the idle time has passed; a beat in the same
/// step may lose the race.
pub const NOT_WHILE_HEARD: &str = "nobody is closed within the idle time of a beat that reached the owner";
/// Through whichever gateways: they may be cut, and workers sent away.
pub const NOT_STEADY: &str = "nobody is closed whose beats were answered ok for the whole idle time";
/// A beat answered `ok` may be lost on its way for as long as a gateway does not notice that it is cut. Whoever was not
/// yet silent for too long, and uses the same gateway as before, loses no more than that.
pub const NOT_AFTER_OK: &str = "nobody is closed within the idle time, less the window, of a beat answered ok";
/// The close of a former owner is not accepted.
pub const NOT_BY_STALE: &str = "nobody is closed by a stale claim";
/// Everybody silent is closed.
pub const CLOSED_IN_TIME: &str = "everybody silent is closed in time";
/// Should be possible, or nothing is proven.
pub const CLOSES: &str = "a session is closed";

/// All of them.
pub(super) fn all() -> Vec<Property<Silence>> {
    vec![
        Property::always(NOT_WHILE_HEARD, |model: &Silence, state: &State| {
            let opened = state.worker.opened.filter(|at| *at > 0);
            is_late_enough(state, state.worker.heard_before.max(opened), model.scene.idle)
        }),
        Property::always(NOT_AFTER_OK, |model: &Silence, state: &State| {
            state.worker.late_before.is_some()
                || is_late_enough(state, state.worker.ok_before, model.scene.idle - model.window())
        }),
        Property::always(NOT_STEADY, |model: &Silence, state: &State| {
            let Some(closed) = state.worker.closed else { return true };
            state.worker.steady_since.is_none_or(|since| closed - since < model.scene.idle)
        }),
        Property::always(NOT_BY_STALE, |_, state: &State| !state.worker.closed_by_stale),
        Property::always(CLOSED_IN_TIME, |model: &Silence, state: &State| {
            let last = state.worker.heard.max(state.worker.ok).max(state.worker.opened).max(Some(state.calm_since));
            !state.is_active() || state.now <= last.unwrap_or(0) + model.scene.idle + SLACK
        }),
        Property::sometimes(CLOSES, |_, state: &State| state.worker.closed.is_some()),
    ]
}

/// The session is not closed, or long enough after this sign of life.
fn is_late_enough(state: &State, sign: Option<u8>, idle: u8) -> bool {
    match (state.worker.closed, sign) {
        (Some(closed), Some(sign)) => closed >= sign + idle,
        _ => true,
    }
}
