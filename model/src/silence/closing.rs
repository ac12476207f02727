//! How a close reaches the log (rule 14).

use super::{
    Closes, Silence,
    state::{Closing, Node, State},
};

impl Silence {
    /// A close that is under way goes on, or one begins: against the time `sent`, when everything before was read.
    pub(super) fn look(&self, state: &mut State, index: u8, sent: u8, hears: bool) {
        let now = state.now;
        let node = &state.nodes[usize::from(index)];
        let Some(claim) = node.claim else { return };
        let is_due = self.due(node, now).is_some_and(|due| due <= sent);
        let closing = node.closing.filter(|closing| !closing.decided);
        let next = match (closing, self.rules.closes) {
            (Some(closing), Closes::Staged | Closes::StagedAlone)
                if is_due && hears && Self::is_unchanged(node, closing) =>
            {
                Some(Closing { decided: true, ..closing })
            }
            (Some(closing), Closes::BeatsOnly) if node.seen.map(|(seen, _)| seen) == Some(closing.seen) => {
                Some(Closing { decided: true, ..closing })
            }
            // Aborted: the next echo may begin anew.
            (Some(_), _) => None,
            (None, closes) if is_due && hears => {
                let seen = node.seen.map_or(0, |(seen, _)| seen);
                let decided = matches!(closes, Closes::RenewalOnly | Closes::Sent);
                Some(Closing { seen, gap_end: node.gap_end, claim, decided })
            }
            (None, _) => node.closing,
        };
        state.nodes[usize::from(index)].closing = next;
        if self.is_staged() && self.rules.commits_at_once {
            self.send_decided(state, index);
        }
    }

    /// Whether closes are looked at again before they are committed.
    pub(super) const fn is_staged(&self) -> bool {
        matches!(self.rules.closes, Closes::Staged | Closes::StagedAlone | Closes::BeatsOnly)
    }

    /// The whole condition again, gaps included.
    fn is_unchanged(node: &Node, closing: Closing) -> bool {
        node.seen.map(|(seen, _)| seen) == Some(closing.seen) && node.gap_end == closing.gap_end && !node.deaf
    }

    /// What was decided reaches the log, which tests the conditions.
    pub(super) fn send_decided(&self, state: &mut State, index: u8) {
        let node = &mut state.nodes[usize::from(index)];
        let Some(closing) = node.closing.filter(|closing| closing.decided) else { return };
        node.closing = None;
        let renews = !matches!(self.rules.closes, Closes::Sent | Closes::StagedAlone);
        if renews && closing.claim != state.claim || !state.is_active() {
            return;
        }
        state.worker.closed = Some(state.now);
        state.worker.closed_by_stale = state.owner != index;
        state.nodes[usize::from(index)].seen = None;
    }
}
