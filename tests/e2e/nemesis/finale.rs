//! The end of a round: everything is healed, the system serves a newcomer, the silent are closed, and what is left behind
//! is judged.

use std::sync::Arc;
use std::time::Duration;

use super::marks::{REFUSED_CLAIMS, REFUSED_EVENTS, RESETS, UNKNOWN_ACKS};
use super::stage::{IDLE, Stage};
use super::verdict::{self, take_overs};
use super::viewers::{self, Held};
use crate::feed::viewer::Viewer;
use crate::harness::{Ways, sql, until, until_within};
use crate::survival::hand::{Asks, Hand};
use crate::survival::ledger::Ledger;
use crate::survival::{floor, tables};

/// Whoever comes when all is over.
const NEWCOMER: usize = 20;
/// After the last gap silence is measured anew; closing takes a moment on a busy machine.
const CLOSED_WITHIN: Duration = Duration::from_secs(90);

impl Stage {
    /// The end.
    pub async fn ends(&mut self) {
        let viewers = self.viewers.take().expect("they follow").stop().await;
        let mut viewers = self.serves_a_newcomer(viewers).await;
        let (_, mut beats) = self.load.take().expect("they are at work").stop_with_beats().await;
        let silent = self.crew.silent().await;
        let log = self.cluster.nats_config("persistence");
        let closed = until_within(CLOSED_WITHIN, async || {
            let ledger = Ledger::read(&log).await;
            silent.iter().all(|sitter| ledger.close_of(&sitter.session).is_some()).then_some(())
        });
        self.note(&format!("all silent are closed: {}", closed.await.is_some()));
        // Those who are kept have been kept for longer than the idle time since the last fault.
        let kept = self.crew.kept().await;
        let history = self.history.lock().expect("nobody panics with it").clone();
        self.note(&history.told());

        let ledger = Ledger::read(&log).await;
        ledger.holds();
        history.is_fair();
        ledger.agrees_with(&history);
        verdict::everybody_silent_was_closed(&ledger, &silent);
        verdict::nobody_kept_was_closed(&ledger, &kept);
        beats.extend(silent.into_iter().chain(kept).map(|sitter| sitter.beats));
        let idle = verdict::nobody_was_closed_early(&ledger, &history, beats.iter(), &self.beats_lost);
        self.note(&format!("{} events, {idle} closed for silence after {IDLE:?}", ledger.events.len()));
        self.is_proven();
        tables::are_the_fold_of(&ledger, &self.cluster.place.postgres_url()).await;
        self.was_shown(&mut viewers).await;
        // Whoever repeats a command did not know what had become of it either.
        self.has_met_everything(history.refused(), history.unknown() + history.repeated()).await;
    }

    /// A new session opens at one gateway, works and closes at the other, stands in Postgres and was on every feed.
    async fn serves_a_newcomer(&mut self, mut viewers: Vec<(Viewer, Vec<Held>)>) -> Vec<(Viewer, Vec<Held>)> {
        let gateways = self.cluster.gateways.clone();
        let worker = floor::sign_in(&gateways[0], NEWCOMER..NEWCOMER + 1).await.remove(0);
        let station = floor::station(&worker).await;
        let hand = |gateway: usize, name: &str| {
            let ways = Ways::from(worker.client.clone().at(gateways[gateway].clone()));
            Hand::new(&worker.id, ways, name, Arc::clone(&self.history))
        };
        let (mut first, mut second) = (hand(0, "new"), hand(1, "end"));
        let session = first.open(&station, "J-NEW").await.expect("opened");
        assert!(first.status(&session, "production").await);
        assert!(second.count(&session, Asks::UntilAnswered).await && second.complete(&session).await);
        for (viewer, _) in &mut viewers {
            let closed = (session.clone(), "closed".to_owned());
            viewer.until("the newcomer has come and gone", |table| table.gone.contains(&closed)).await;
        }
        let url = self.cluster.place.postgres_url();
        let row = format!("select status, total_good from sessions where id = '{session}'");
        until("Postgres has the newcomer", async || sql(&url, &row) == Some(vec!["completed|1".to_owned()])).await;
        self.note("a newcomer was served");
        viewers
    }

    /// `andon verify` finds nothing, neither in the log nor in Postgres.
    fn is_proven(&mut self) {
        let (proven, report) = self.cluster.run(&["verify"]);
        assert!(proven && report.contains("ok     projection"), "{report}");
        self.note(&report);
    }

    /// What viewers held, whenever it was written down and now, is the fold of the log at their cursors.
    async fn was_shown(&mut self, viewers: &mut Vec<(Viewer, Vec<Held>)>) {
        let log = self.cluster.nats_config("persistence");
        let end = Ledger::read(&log).await.last_seq();
        for (viewer, held) in viewers.iter_mut() {
            let at_end = |table: &_| viewers::held_by(table).is_some_and(|held| held.seq() >= end);
            viewer.until("it is at the end of the log", at_end).await;
            held.extend(viewers::held_by(&viewer.table));
        }
        let ledger = Ledger::read(&log).await;
        for (viewer, held) in viewers.drain(..) {
            let whose = format!("{:?} at {}", viewer.transport(), viewer.address);
            let resets = viewer.table.count("reset");
            self.note(&format!("{whose}: compared {} times, {resets} resets", held.len()));
            viewers::are_the_fold_of(&ledger.events, &whose, held);
        }
    }

    /// A round that met none of these has shown nothing.
    async fn has_met_everything(&mut self, refused: usize, unknown: usize) {
        let take_overs = take_overs(&self.cluster.nats_config("persistence")).await;
        let told = format!(
            "{}, {take_overs} partitions taken over, {refused} commands refused, {unknown} unknown",
            self.marks.told()
        );
        self.note(&told);
        for name in [UNKNOWN_ACKS, REFUSED_EVENTS, REFUSED_CLAIMS, RESETS] {
            assert!(self.marks.count(name) > 0.0, "the nemesis never caused {name}: {told}");
        }
        assert!(take_overs > 0 && refused > 0 && unknown > 0, "the nemesis never caused it all: {told}");
    }
}
