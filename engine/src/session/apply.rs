//! The state after an event.

use bus_schemas::{SessionEvent, WorkerState};

/// The state after the message with this stream sequence: the event carries it, fields of newer versions included, and
/// the ring learns the sequence that no message knows of itself.
///
/// The state before is not needed; [`fold_check`](super::fold_check) says whether the event fits it.
#[must_use]
pub fn apply(_before: Option<&WorkerState>, event: &SessionEvent, seq: u64) -> WorkerState {
    let mut state = event.state.clone();
    state.ring.resolve(seq);
    state
}
