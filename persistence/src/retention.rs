//! The retention of the log: a prefix of it is purged, never more than nobody needs any more.
//!
//! The last event of a worker with an active session, and every claim, are the only copy of the present: they are found
//! in the log itself, not in the tables, which know nothing of a message that could not be read.

use std::time::Duration;

use andon_nats::{Bus, Followed, Follower, ReadError, Start, StoredMessage};
use bus_schemas::{
    SessionEvent,
    subject::{CLAIMS, LogSubject, SESSIONS, STREAM_LOG},
};
use serde::Deserialize;
use tokio::time::timeout;

use crate::measures;

/// Time for reading the last message of every worker and every claim: 200 000 a second, and a factory has far fewer.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// Time for the purge; the server answers when it is done.
const PURGE_WITHIN: Duration = Duration::from_secs(30);

/// Up to where the log may be cut, by each of the four who need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Last sequence in the tables. Its message stays: it proves that the log is the one they were made from.
    pub projected: u64,
    /// Last sequence that is older than the retention; 0 when there is none.
    pub old: u64,
    /// Lowest sequence that is the last message of a worker with an active session; none without one.
    pub oldest_active: Option<u64>,
    /// Lowest sequence that is the claim of a partition; none without one.
    pub oldest_claim: Option<u64>,
}

impl Bounds {
    /// The last sequence that may go; 0: nothing may.
    #[must_use]
    pub fn cut(&self) -> u64 {
        let before = |seq: Option<u64>| seq.map_or(u64::MAX, |seq| seq.saturating_sub(1));
        self.old.min(self.projected.saturating_sub(1)).min(before(self.oldest_active)).min(before(self.oldest_claim))
    }
}

/// The log could not be cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The log does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Reading it broke off or took too long.
    #[error("the log could not be read to its end: {0}")]
    Incomplete(String),
}

#[derive(Deserialize)]
struct Purged {
    purged: u64,
}

/// Cuts the log, and returns how many messages went.
///
/// # Errors
/// The log does not answer, or could not be read to its end: then nothing is cut.
pub async fn cut(bus: Bus, projected: u64, old: u64) -> Result<u64, CutError> {
    let most = Bounds { projected, old, oldest_active: None, oldest_claim: None };
    if most.cut() == 0 {
        return Ok(0);
    }
    let needed = timeout(READ_WITHIN, needed(&bus)).await;
    let (oldest_active, oldest_claim) = needed.map_err(|_| CutError::Incomplete("it took too long".to_owned()))??;
    let cut = Bounds { oldest_active, oldest_claim, ..most }.cut();
    if cut == 0 {
        return Ok(0);
    }
    // The server purges up to, and without, the sequence it is given.
    let body = serde_json::json!({ "seq": cut + 1 });
    let answer: Purged = bus.api(&format!("STREAM.PURGE.{STREAM_LOG}"), &body, PURGE_WITHIN).await?;
    measures::purged(answer.purged);
    Ok(answer.purged)
}

/// Reads the last message of every worker and every claim.
async fn needed(bus: &Bus) -> Result<(Option<u64>, Option<u64>), CutError> {
    let filters = vec![SESSIONS.to_owned(), CLAIMS.to_owned()];
    let mut follower = Follower::new(bus.clone(), STREAM_LOG, filters, Start::LastPerSubject);
    let (mut active, mut claim) = (None, None);
    loop {
        match follower.next().await {
            Followed::Message(message) => match LogSubject::parse(&message.subject) {
                Some(LogSubject::Claim(_)) => lower(&mut claim, message.seq),
                _ if may_be_active(&message) => lower(&mut active, message.seq),
                _ => {}
            },
            Followed::CaughtUp => return Ok((active, claim)),
            Followed::Interrupted(why) => return Err(CutError::Incomplete(why)),
        }
    }
}

fn lower(lowest: &mut Option<u64>, seq: u64) {
    *lowest = Some(lowest.map_or(seq, |lowest| lowest.min(seq)));
}

/// Whether the worker may have an active session: what cannot be read stays.
fn may_be_active(message: &StoredMessage) -> bool {
    message.decode::<SessionEvent>().map_or(true, |event| event.state.session.is_active())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_GONE: Bounds = Bounds { projected: 1_000, old: 1_000, oldest_active: None, oldest_claim: None };

    #[test]
    fn each_of_the_four_holds_the_log_back_alone() {
        assert_eq!(ALL_GONE.cut(), 999, "the last projected message proves the log and stays");
        assert_eq!(Bounds { projected: 400, ..ALL_GONE }.cut(), 399);
        assert_eq!(Bounds { old: 300, ..ALL_GONE }.cut(), 300);
        assert_eq!(Bounds { oldest_active: Some(200), ..ALL_GONE }.cut(), 199);
        assert_eq!(Bounds { oldest_claim: Some(100), ..ALL_GONE }.cut(), 99);
    }

    #[test]
    fn nothing_is_cut_when_one_of_them_needs_everything() {
        for bounds in [
            Bounds { projected: 0, ..ALL_GONE },
            Bounds { projected: 1, ..ALL_GONE },
            Bounds { old: 0, ..ALL_GONE },
            Bounds { oldest_active: Some(1), ..ALL_GONE },
            Bounds { oldest_claim: Some(1), ..ALL_GONE },
        ] {
            assert_eq!(bounds.cut(), 0, "{bounds:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_anybody_needs_is_never_cut(
            projected in 0_u64..50,
            old in 0_u64..50,
            oldest_active in proptest::option::of(1_u64..50),
            oldest_claim in proptest::option::of(1_u64..50),
        ) {
            let cut = Bounds { projected, old, oldest_active, oldest_claim }.cut();
            proptest::prop_assert!(cut <= old && (cut < projected || cut == 0));
            proptest::prop_assert!(oldest_active.is_none_or(|seq| cut < seq));
            proptest::prop_assert!(oldest_claim.is_none_or(|seq| cut < seq));
        }
    }
}
