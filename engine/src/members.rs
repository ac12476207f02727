//! The nodes as this one knows them: who is there, who is leaving, whom nobody can reach. Pure: what was heard comes in.
//!
//! Liveness is a hint, never a proof: a wrong suspicion costs a hand-over, not correctness (protocol rules 1 and 14).

use std::{collections::BTreeMap, time::Duration};

use bus_schemas::{Partition, TakenWhy};

use crate::{assign, clock::Mono};

/// A node that nobody can reach and that owns nothing is forgotten after this: its next start has another id.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// The nodes; see the module.
#[derive(Debug)]
pub struct Members {
    me: Box<str>,
    leaving: bool,
    others: BTreeMap<Box<str>, Other>,
}

#[derive(Debug)]
struct Other {
    /// It has told of itself: it takes what is assigned to it. One of an older version never does.
    announced: bool,
    /// It was heard of by itself, and not only named by its claims.
    there: bool,
    leaving: bool,
    suspect: Option<Suspicion>,
    heard: Mono,
}

/// Why a node is thought to be gone, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// Why.
    pub why: TakenWhy,
    /// Since when.
    pub since: Mono,
}

impl Members {
    /// This node alone.
    #[must_use]
    pub const fn new(me: Box<str>) -> Self {
        Self { me, leaving: false, others: BTreeMap::new() }
    }

    /// This node is ending: nothing is assigned to it any more.
    pub const fn leave(&mut self) {
        self.leaving = true;
    }

    /// Whether this node is ending.
    #[must_use]
    pub const fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// A node has told of itself. Whether that changes anything; a suspicion ends by an answer alone, because what was
    /// told may have lain in a buffer.
    pub fn announced(&mut self, node: &str, leaving: bool, now: Mono) -> bool {
        if *node == *self.me {
            return false;
        }
        let other = self.other(node, now);
        let changed = !other.announced || other.leaving != leaving;
        (other.announced, other.there, other.leaving, other.heard) = (true, true, leaving, now);
        changed
    }

    /// Claims name this node as an owner. Whether it was unknown.
    pub fn owns(&mut self, node: &str, now: Mono) -> bool {
        if *node == *self.me || self.others.contains_key(node) {
            return false;
        }
        self.other(node, now);
        true
    }

    fn other(&mut self, node: &str, now: Mono) -> &mut Other {
        let new = || Other { announced: false, there: false, leaving: false, suspect: None, heard: now };
        self.others.entry(node.into()).or_insert_with(new)
    }

    /// It has answered. Whether it was thought to be gone, or only named by its claims.
    pub fn answered(&mut self, node: &str, now: Mono) -> bool {
        let Some(other) = self.others.get_mut(node) else { return false };
        other.heard = now;
        // One that was only named by its claims may be asked for partitions from here on.
        !std::mem::replace(&mut other.there, true) | other.suspect.take().is_some()
    }

    /// Nobody can reach it. Whether that is new.
    pub fn suspect(&mut self, node: &str, why: TakenWhy, now: Mono) -> bool {
        let Some(other) = self.others.get_mut(node) else { return false };
        let new = other.suspect.is_none();
        other.suspect.get_or_insert(Suspicion { why, since: now });
        new
    }

    /// Every other node: each is asked whether it lives.
    #[must_use]
    pub fn others(&self) -> Vec<Box<str>> {
        self.others.keys().cloned().collect()
    }

    /// Whether this node was ever heard: one that never was is probably of an earlier start, and soon known to be gone.
    #[must_use]
    pub fn was_heard(&self, node: &str) -> bool {
        self.others.get(node).is_some_and(|other| other.there)
    }

    /// Why and since when this node is thought to be gone.
    #[must_use]
    pub fn suspicion(&self, node: &str) -> Option<Suspicion> {
        self.others.get(node)?.suspect
    }

    /// Whether partitions may be given to this node: it is there, has told of itself and is not leaving.
    #[must_use]
    pub fn takes(&self, node: &str) -> bool {
        match self.others.get(node) {
            Some(other) => other.announced && !other.leaving && other.suspect.is_none(),
            None => *node == *self.me && !self.leaving,
        }
    }

    /// Whether any other node may be given partitions.
    #[must_use]
    pub fn has_successors(&self) -> bool {
        self.others.keys().any(|node| self.takes(node))
    }

    /// The node that should have this partition.
    #[must_use]
    pub fn assigned(&self, partition: Partition) -> Option<&str> {
        let others = self.others.keys().map(AsRef::as_ref).filter(|node| self.takes(node));
        assign::assigned(partition, others.chain((!self.leaving).then_some(&*self.me)))
    }

    /// Forgets nodes that nobody has reached for long and that own nothing.
    pub fn forget(&mut self, now: Mono, owns: impl Fn(&str) -> bool) {
        self.others.retain(|node, other| {
            other.suspect.is_none_or(|suspicion| now.since(suspicion.since) < FORGET_AFTER) || owns(node)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Mono = Mono::from_micros(1_000_000);

    fn later(seconds: u64) -> Mono {
        NOW.after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_node_takes_from_when_it_tells_of_itself_until_it_leaves_or_is_gone() {
        let mut members = Members::new("me-1".into());
        assert!(members.takes("me-1") && !members.has_successors());
        // An owner that has not told of itself is asked whether it lives, and given nothing.
        assert!(members.owns("other-1", NOW));
        assert!(!members.takes("other-1") && !members.was_heard("other-1"));
        assert!(members.announced("other-1", false, NOW) && members.takes("other-1"));
        assert!(!members.announced("other-1", false, NOW), "that is known");
        assert!(members.announced("other-1", true, NOW) && !members.takes("other-1"));
        assert!(!members.announced("me-1", false, NOW), "it hears itself, too");
    }

    #[test]
    fn a_suspicion_ends_with_an_answer_and_not_with_what_lay_in_a_buffer() {
        let mut members = Members::new("me-1".into());
        members.announced("other-1", false, NOW);
        assert!(members.suspect("other-1", TakenWhy::Silent, later(1)));
        assert!(!members.suspect("other-1", TakenWhy::NoResponder, later(2)), "it is suspected already");
        let suspicion = Suspicion { why: TakenWhy::Silent, since: later(1) };
        assert_eq!(members.suspicion("other-1"), Some(suspicion));
        members.announced("other-1", false, later(2));
        assert!(!members.takes("other-1"));
        assert!(members.answered("other-1", later(3)) && members.takes("other-1"));
    }

    #[test]
    fn what_is_assigned_goes_by_who_takes() {
        let mut members = Members::new("me-1".into());
        let mine = |members: &Members| Partition::all().filter(|&p| members.assigned(p) == Some("me-1")).count();
        assert_eq!(mine(&members), 256);
        members.announced("other-1", false, NOW);
        assert!((90..170).contains(&mine(&members)));
        members.suspect("other-1", TakenWhy::NoResponder, NOW);
        assert_eq!(mine(&members), 256);
        members.answered("other-1", NOW);
        members.leave();
        assert_eq!(mine(&members), 0);
        assert!(members.has_successors());
    }

    #[test]
    fn who_is_gone_for_long_is_forgotten_unless_it_owns_something() {
        let mut members = Members::new("me-1".into());
        for node in ["gone-1", "owner-1", "there-1"] {
            members.announced(node, false, NOW);
        }
        members.suspect("gone-1", TakenWhy::NoResponder, NOW);
        members.suspect("owner-1", TakenWhy::NoResponder, NOW);
        members.forget(later(59), |node| node == "owner-1");
        assert_eq!(members.others().len(), 3);
        members.forget(later(60), |node| node == "owner-1");
        assert_eq!(members.others(), ["owner-1".into(), "there-1".into()]);
    }
}
