//! What chance may miss is provoked: each act goes on until what it is for has been counted, and gives up after a few
//! attempts, so that the count says so at the end.

use std::time::Duration;

use tokio::time::sleep;

use super::fault::{Deed, ENGINES, Fault, SERVERS};
use super::marks::{REFUSED_CLAIMS, REFUSED_EVENTS, RESETS, UNKNOWN_ACKS};
use super::stage::Stage;
use super::verdict::{leader, take_overs};
use crate::harness::until_within;

/// Attempts of an act.
const ATTEMPTS: usize = 6;
/// How long an attempt lasts at most.
const ATTEMPT: Duration = Duration::from_secs(8);
/// An engine without a way to the log learns by then that nothing is answered, and sends claims and renewals that are
/// stale by now; shorter than it takes to give the connection up, with all that lies in it.
const UNANSWERED: Duration = Duration::from_millis(2_500);
/// What servers that drift apart need for each way: an event needs two of them, and a command a second at most.
const DRIFT_MS: u32 = 600;
/// For how long they do.
const DRIFT: Duration = Duration::from_secs(4);

impl Stage {
    /// An engine is frozen until another has taken its partitions, and thaws.
    pub async fn an_engine_freezes(&mut self) {
        let fault = Fault::new(Deed::Freeze, "engine-1");
        let before = take_overs(&self.cluster.nats_config("persistence")).await;
        self.begin(fault).await;
        self.taken_over(before).await;
        self.end(fault).await;
        self.serves_again().await;
    }

    /// An engine loses its way to the log in the middle of commands, and finds it when its partitions are another's: what
    /// it had sent meanwhile arrives.
    pub async fn an_engine_is_cut_off(&mut self) {
        for attempt in 0..ATTEMPTS {
            // Partitions are drawn by lot: none with a busy worker may be at one of them, and it keeps its share.
            let fault = Fault::new(Deed::Cut, ENGINES[(attempt + 1) % ENGINES.len()]);
            let before = take_overs(&self.cluster.nats_config("persistence")).await;
            self.begin(fault).await;
            self.taken_over(before).await;
            sleep(UNANSWERED).await;
            self.end(fault).await;
            let done = self.counted(&[UNKNOWN_ACKS, REFUSED_CLAIMS]).await;
            self.serves_again().await;
            if done {
                return;
            }
        }
    }

    /// Everybody speaks to the log's leader, as the other servers were gone, and these are far from it: it stores an event
    /// just after its sender has given up waiting, and reads, and sends it again.
    pub async fn a_leader_is_far_from_the_others(&mut self) {
        for _ in 0..ATTEMPTS {
            let leader = leader(&self.cluster.nats_config("persistence")).await;
            let others = || SERVERS.into_iter().filter(|server| *server != leader);
            for other in others() {
                self.begin(Fault::new(Deed::Kill, other)).await;
            }
            self.counted(&[UNKNOWN_ACKS]).await;
            for other in others() {
                self.end(Fault::new(Deed::Kill, other)).await;
            }
            self.serves_again().await;
            for other in others() {
                self.tell(&format!("delay {leader} {other} {DRIFT_MS}")).await;
            }
            let done = self.counted(&[REFUSED_EVENTS]).await;
            for other in others() {
                self.tell(&format!("heal {leader} {other}")).await;
            }
            self.serves_again().await;
            if done {
                return;
            }
        }
    }

    /// The nats-servers are far from each other: what one stores the others know late, and nodes hear
    /// each other late.
    pub async fn servers_drift_apart(&mut self) {
        for (one, other) in pairs() {
            self.tell(&format!("delay {one} {other} {DRIFT_MS}")).await;
        }
        sleep(DRIFT).await;
        for (one, other) in pairs() {
            self.tell(&format!("heal {one} {other}")).await;
        }
        self.serves_again().await;
    }

    /// Waits until a partition more than so many was taken from a node that does not answer.
    async fn taken_over(&mut self, before: usize) {
        let config = self.cluster.nats_config("persistence");
        let taken = until_within(ATTEMPT, async || (take_overs(&config).await > before).then_some(())).await;
        self.note(&format!("taken over: {}", taken.is_some()));
    }

    /// A gateway dies and comes back over slow links: it does not know yet what was closed before.
    pub async fn a_gateway_forgets(&mut self) {
        for _ in 0..ATTEMPTS {
            let (killed, slow) = (Fault::new(Deed::Kill, "gateway-1"), Fault::new(Deed::Delay(250), "gateway-1"));
            self.begin(killed).await;
            self.begin(slow).await;
            self.end(killed).await;
            let done = self.counted(&[RESETS]).await;
            self.end(slow).await;
            self.serves_again().await;
            if done {
                return;
            }
        }
    }

    /// Waits until all of these are counted; whether they are.
    async fn counted(&mut self, names: &[&str]) -> bool {
        let marks = &self.marks;
        let all = async || names.iter().all(|name| marks.count(name) > 0.0).then_some(());
        let counted = until_within(ATTEMPT, all).await.is_some();
        self.note(&format!("counted {names:?}: {counted}; {}", self.marks.told()));
        counted
    }
}

/// Each two servers.
fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    (0..SERVERS.len()).flat_map(|one| (0..one).map(move |other| (SERVERS[one], SERVERS[other])))
}
