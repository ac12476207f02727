//! What a node does about a partition: pure, from the claims and the members as they are known.
//!
//! A node takes what rendezvous hashing over the live nodes assigns to it: at once what nobody has, and from a live owner
//! only after it has read the partition and the owner has let go. What its assignee does not take is taken by anybody
//! after a while: better served by the wrong node than by none.

use std::time::Duration;

use bus_schemas::{Partition, TakenWhy};

use crate::{claim::SeenClaim, clock::Mono, members::Members};

/// An assignee has this long to take what nobody has.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// What this node has of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// The claim.
    Claim,
    /// It reads along, so that the owner can let go.
    Preparation,
    /// Nothing.
    Nothing,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing now.
    Leave,
    /// Claim it, for this reason.
    Take(TakenWhy),
    /// Read along.
    Prepare,
    /// Stop reading along: it is another's now.
    Forget,
}

/// What is known of a partition.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Which.
    pub partition: Partition,
    /// What this node has of it.
    pub has: Has,
    /// Its newest claim.
    pub claim: Option<&'a SeenClaim>,
    /// When that claim was seen; for none, when the claims were.
    pub since: Mono,
}

/// What to do about a partition.
#[must_use]
pub fn step(view: &View, me: &str, members: &Members, now: Mono) -> Step {
    if view.has == Has::Claim {
        return Step::Leave;
    }
    let mine = members.assigned(view.partition) == Some(me);
    let waited = now.since(view.since) >= PATIENCE;
    let take_if = |take: bool, why| if take { Step::Take(why) } else { forget(view.has, mine) };
    let Some(seen) = view.claim else { return take_if(mine || waited, TakenWhy::Unclaimed) };
    let owner = &*seen.claim.node_id;
    if seen.claim.released {
        return match seen.claim.successor.as_deref() {
            Some(successor) if successor == me => Step::Take(TakenWhy::HandedOver),
            Some(successor) if members.takes(successor) => take_if(waited, TakenWhy::Released),
            _ => take_if(mine || waited, TakenWhy::Released),
        };
    }
    // Its own, and yet without a shard: one that has failed.
    if owner == me {
        return Step::Take(seen.claim.taken.as_ref().map_or(TakenWhy::Other, |taken| taken.why));
    }
    match members.suspicion(owner) {
        Some(suspicion) => {
            // One that has claimed it since is suspected wrongly: two nodes that do not reach each other, though both reach
            // the log, would take it from each other as fast as the log answers.
            let gone = mine && view.since <= suspicion.since;
            take_if(gone || now.since(view.since.max(suspicion.since)) >= PATIENCE, suspicion.why)
        }
        None if mine && view.has == Has::Nothing && members.was_heard(owner) => Step::Prepare,
        None => forget(view.has, mine),
    }
}

const fn forget(has: Has, mine: bool) -> Step {
    match has {
        Has::Preparation if !mine => Step::Forget,
        _ => Step::Leave,
    }
}

#[cfg(test)]
mod tests {
    use bus_schemas::{Claim, Extra, TimeUs};

    use super::*;

    const ME: &str = "me-1";
    const OTHER: &str = "other-1";
    const NOW: Mono = Mono::from_micros(100_000_000);

    fn members() -> Members {
        let mut members = Members::new(ME.into());
        members.announced(OTHER, false, NOW);
        members
    }

    /// A partition that is assigned to this node, or to the other.
    fn assigned_to(node: &str) -> Partition {
        Partition::all().find(|&partition| members().assigned(partition) == Some(node)).unwrap()
    }

    fn claim(owner: &str) -> SeenClaim {
        let (taken, successor) = (None, None);
        let at_us = TimeUs::from_micros(1);
        let claim = Claim { node_id: owner.into(), at_us, released: false, taken, successor, extra: Extra::new() };
        SeenClaim { seq: 5, claim }
    }

    fn released_for(successor: Option<&str>) -> SeenClaim {
        let mut seen = claim(OTHER);
        (seen.claim.released, seen.claim.successor) = (true, successor.map(Into::into));
        seen
    }

    fn step_of(node: &str, has: Has, claim: Option<&SeenClaim>, waited: Duration, members: &Members) -> Step {
        let view = View { partition: assigned_to(node), has, claim, since: NOW.before(waited) };
        step(&view, ME, members, NOW)
    }

    #[test]
    fn what_nobody_has_is_taken_by_its_assignee_and_after_a_while_by_anybody() {
        for (claim, why) in [(None, TakenWhy::Unclaimed), (Some(released_for(None)), TakenWhy::Released)] {
            let of = |node, waited| step_of(node, Has::Nothing, claim.as_ref(), waited, &members());
            assert_eq!(of(ME, Duration::ZERO), Step::Take(why));
            assert_eq!(of(OTHER, Duration::ZERO), Step::Leave);
            assert_eq!(of(OTHER, PATIENCE), Step::Take(why));
        }
    }

    #[test]
    fn what_was_let_go_for_somebody_is_taken_by_that_node() {
        let of =
            |successor, waited| step_of(ME, Has::Preparation, Some(&released_for(Some(successor))), waited, &members());
        assert_eq!(of(ME, Duration::ZERO), Step::Take(TakenWhy::HandedOver));
        assert_eq!(of(OTHER, Duration::ZERO), Step::Leave);
        assert_eq!(of(OTHER, PATIENCE), Step::Take(TakenWhy::Released));
        assert_eq!(of("gone-1", Duration::ZERO), Step::Take(TakenWhy::Released));
    }

    #[test]
    fn what_a_live_node_owns_is_read_before_it_is_asked_for_and_never_taken() {
        let owned = claim(OTHER);
        let of = |node, has| step_of(node, has, Some(&owned), PATIENCE * 10, &members());
        assert_eq!(of(ME, Has::Nothing), Step::Prepare);
        assert_eq!(of(ME, Has::Preparation), Step::Leave);
        assert_eq!(of(OTHER, Has::Nothing), Step::Leave);
        assert_eq!(of(OTHER, Has::Preparation), Step::Forget);
        assert_eq!(of(ME, Has::Claim), Step::Leave);
    }

    #[test]
    fn what_a_node_has_that_cannot_be_reached_is_taken_for_that_reason() {
        for why in [TakenWhy::NoResponder, TakenWhy::Silent] {
            let mut members = members();
            members.suspect(OTHER, why, NOW);
            let owned = claim(OTHER);
            // With the other gone, everything is assigned to this node.
            assert_eq!(step_of(OTHER, Has::Nothing, Some(&owned), Duration::ZERO, &members), Step::Take(why));
        }
    }

    #[test]
    fn what_a_suspected_node_has_claimed_since_is_left_to_it_for_a_while() {
        // given a node that was suspected before its claim was seen
        let mut members = members();
        members.suspect(OTHER, TakenWhy::NoResponder, NOW.before(PATIENCE * 10));
        let owned = claim(OTHER);
        let of = |waited| step_of(ME, Has::Nothing, Some(&owned), waited, &members);
        // then nothing is taken from it at once, and it is taken when nothing more is seen of it
        assert_eq!(of(Duration::ZERO), Step::Leave);
        assert_eq!(of(PATIENCE), Step::Take(TakenWhy::NoResponder));
        assert_eq!(of(PATIENCE * 10), Step::Take(TakenWhy::NoResponder), "a claim of before");
    }

    #[test]
    fn an_owner_that_was_never_heard_is_not_read_along_with() {
        // given a claim of an earlier start, and no word of its node
        let (stale, mut members) = (claim("earlier-1"), Members::new(ME.into()));
        members.owns("earlier-1", NOW);
        let of = |members: &Members| step_of(ME, Has::Nothing, Some(&stale), Duration::ZERO, members);
        assert_eq!(of(&members), Step::Leave);
        // when it answers, then it is one to be asked for its partitions
        assert!(members.answered("earlier-1", NOW), "that is news");
        assert_eq!(of(&members), Step::Prepare);
    }

    #[test]
    fn a_partition_whose_shard_has_failed_is_claimed_anew() {
        let own = claim(ME);
        assert_eq!(step_of(OTHER, Has::Nothing, Some(&own), Duration::ZERO, &members()), Step::Take(TakenWhy::Other));
    }
}
