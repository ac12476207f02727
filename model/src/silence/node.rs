//! When a node finds that a session is silent for too long (rules 12 and 13).

use super::{
    ALLOWANCE, ECHO_LATE, Silence, SilentGateway,
    state::{Node, State},
};

impl Silence {
    /// When the session is silent for too long, as this node sees it.
    pub(super) fn due(&self, node: &Node, now: u8) -> Option<u8> {
        let (seen, via) = node.seen?;
        let mut from = seen.max(node.gap_end);
        if let Some((last_batch, gap_end)) = via.map(|gateway| node.heard[usize::from(gateway)]) {
            let is_silent = now - last_batch > self.silent_after();
            match self.rules.silent_gateway {
                SilentGateway::Ignored => {}
                SilentGateway::Waits | SilentGateway::Grace => {
                    from = from.max(gap_end);
                    if is_silent {
                        let grace = if self.rules.silent_gateway == SilentGateway::Grace { self.scene.idle } else { 0 };
                        from = from.max(last_batch + grace);
                    }
                }
            }
        }
        Some(from + self.scene.idle + ALLOWANCE)
    }

    /// An echo is back: everything sent before it was read (rule 12).
    pub(super) fn echo(&self, state: &mut State, index: u8, sent: u8) {
        let now = state.now;
        let node = &mut state.nodes[usize::from(index)];
        if now - sent > ECHO_LATE && self.rules.late_echo_is_gap {
            (node.gap_end, node.deaf) = (now, true);
        } else if node.deaf {
            (node.gap_end, node.deaf) = (now, false);
        }
        let hears = node.gap_end != now;
        self.look(state, index, sent, hears);
    }

    /// Without rule 12: the node's own timer fires, whatever lies in its socket.
    pub(super) fn timer(&self, state: &mut State, index: u8) {
        let now = state.now;
        self.look(state, index, now, true);
    }
}
