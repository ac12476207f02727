//! What chance may miss is provoked: each act goes on until what it is for has been counted, and gives up after a few
//! attempts, so that the count says so at the end.

use std::time::Duration;

use super::fault::{Deed, Fault, SERVERS};
use super::marks::{REFUSED_CLAIMS, REFUSED_EVENTS, RESETS, UNKNOWN_ACKS};
use super::stage::Stage;
use super::verdict::take_overs;
use crate::harness::until_within;

/// Attempts of an act.
const ATTEMPTS: usize = 4;
/// How long an attempt lasts at most.
const ATTEMPT: Duration = Duration::from_secs(8);

impl Stage {
    /// An engine is frozen until another has taken its partitions, and thaws.
    pub async fn an_engine_freezes(&mut self) {
        let fault = Fault::new(Deed::Freeze, "engine-1");
        let config = self.cluster.nats_config("persistence");
        let before = take_overs(&config).await;
        self.begin(fault).await;
        let taken = until_within(ATTEMPT, async || (take_overs(&config).await > before).then_some(())).await;
        self.note(&format!("taken over: {}", taken.is_some()));
        self.end(fault).await;
        self.serves_again().await;
    }

    /// An engine loses its way to the log in the middle of commands.
    pub async fn an_engine_is_cut_off(&mut self) {
        let fault = Fault::new(Deed::Cut, "engine-2");
        self.begin(fault).await;
        self.counted(&[UNKNOWN_ACKS]).await;
        self.end(fault).await;
        self.serves_again().await;
    }

    /// The nats-servers are far from each other: what one stores the others know late.
    pub async fn servers_drift_apart(&mut self) {
        for attempt in 0..ATTEMPTS {
            if self.marks.count(REFUSED_EVENTS) > 0.0 && self.marks.count(REFUSED_CLAIMS) > 0.0 {
                return;
            }
            let by = [600, 450, 700, 900][attempt];
            for (one, other) in pairs() {
                self.tell(&format!("delay {one} {other} {by}")).await;
            }
            self.counted(&[REFUSED_EVENTS, REFUSED_CLAIMS]).await;
            for (one, other) in pairs() {
                self.tell(&format!("heal {one} {other}")).await;
            }
            self.serves_again().await;
        }
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
