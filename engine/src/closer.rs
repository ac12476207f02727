//! The one closer of a node (protocol rules 14 and 15): idle closes are staged together with a renewal of their
//! partitions' claims, checked again after another echo, and committed as one atomic batch, or not at all.
//!
//! It is also the only one who renews claims, so that no renewal races a batch.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use andon_nats::{Publish, PublishError};
use bus_schemas::{Partition, limits::BEAT_ALLOWANCE};
use futures::{StreamExt, future, stream};
use ractor::ActorRef;
use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    claim, clock::Mono, desk::Prepared, echo::Echoes, node::NodeMsg, session_actor::SessionMsg, shard::ShardMsg,
    shared::Shared,
};

/// Closes in one batch; with at most 256 renewals below the server's 1000 (10199 beyond).
const CLOSES_MAX: usize = 700;
/// Messages to the closer that wait; beyond it sessions are due again half a second later.
pub const QUEUE: usize = 1_024;
/// Time for a session actor to prepare its close; a busy one is dropped from the batch.
const PREPARE_WITHIN: Duration = Duration::from_millis(300);
/// Time for each step at the server.
const STEP_WITHIN: Duration = Duration::from_secs(2);
/// Pause before the refused rest is tried again: sessions that are due come back by themselves.
const AFTER_REFUSAL: Duration = Duration::from_millis(50);
/// Session actors asked at once.
const PREPARES: usize = 256;

/// What the closer is told.
pub enum CloserMsg {
    /// Sessions that are silent for too long.
    Due(Vec<Candidate>),
    /// Renew the claims of these partitions.
    Renew(Vec<Partition>),
    /// The log is silent: see whether it acknowledges, with the renewal of a claim.
    Probe,
}

/// A session that may be closed.
pub struct Candidate {
    /// Its partition.
    pub partition: Partition,
    /// Its actor.
    pub actor: ActorRef<SessionMsg>,
}

struct Ready {
    partition: Partition,
    prepared: Prepared,
}

/// The closer.
pub struct Closer {
    /// The node.
    pub shared: Arc<Shared>,
    /// Its echoes.
    pub echoes: Arc<Echoes>,
    /// Told of claims that were lost.
    pub node: ActorRef<NodeMsg>,
}

impl Closer {
    /// Closes what is due, one batch after the other, until `stop`.
    pub async fn run(self, mut inbox: mpsc::Receiver<CloserMsg>, stop: CancellationToken) {
        loop {
            let message = tokio::select! {
                () = stop.cancelled() => return,
                message = inbox.recv() => message,
            };
            match message {
                None => return,
                Some(CloserMsg::Due(mut candidates)) => {
                    while candidates.len() < CLOSES_MAX {
                        match inbox.try_recv() {
                            Ok(CloserMsg::Due(more)) => candidates.extend(more),
                            Ok(CloserMsg::Renew(partitions)) => self.renew(&partitions).await,
                            Ok(CloserMsg::Probe) => {}
                            Err(_) => break,
                        }
                    }
                    // Due again while an earlier batch took its time: one subject twice in a batch is refused (10164),
                    // and all closes with it.
                    let mut candidates = distinct(candidates);
                    candidates.truncate(CLOSES_MAX);
                    self.close(candidates).await;
                }
                Some(CloserMsg::Renew(partitions)) => self.renew(&partitions).await,
                Some(CloserMsg::Probe) => {
                    let owned = self.shared.slots().find(|(_, slot)| slot.claim_seq() > 0);
                    match owned {
                        Some((partition, _)) => self.renew(&[partition]).await,
                        // Nothing to renew, and nobody waits for the log here: what was lost while it was silent is
                        // tried when something is this node's again.
                        None => self.shared.health.answered(),
                    }
                }
            }
        }
    }

    async fn close(&self, candidates: Vec<Candidate>) {
        let Some(sent_at) = self.hear_echo().await else { return };
        let gap_end = self.shared.hearing.lock().gap_end();
        let ready: Vec<Ready> = stream::iter(candidates)
            .map(|candidate| prepare(candidate, sent_at))
            .buffer_unordered(PREPARES)
            .filter_map(future::ready)
            .collect()
            .await;
        if ready.is_empty() {
            return;
        }
        let partitions: BTreeSet<Partition> = ready.iter().map(|ready| ready.partition).collect();
        let Some(mut messages) = self.messages(&ready, &partitions) else { return };
        // The commit travels with the last renewal.
        let Some(last) = messages.pop() else { return };
        let staged = match self.shared.bus().stage_batch(&messages, STEP_WITHIN).await {
            Ok(staged) => staged,
            Err(error) => return tracing::info!(%error, closes = ready.len(), "idle closes could not be staged"),
        };
        // Any beat or gap since, a late or missing echo: abort, and build anew (rule 14).
        let holds = match self.hear_echo().await {
            Some(sent_at) => self.still_holds(&ready, sent_at, gap_end),
            None => false,
        };
        if !holds {
            metrics::counter!("andon_idle_batches_aborted_total").increment(1);
            return staged.abort(self.shared.bus(), &last, STEP_WITHIN).await;
        }
        let sent = Mono::now();
        let outcome = staged.commit(self.shared.bus(), &last, STEP_WITHIN).await;
        self.finish(outcome, sent, ready, &partitions).await;
    }

    fn messages(&self, ready: &[Ready], partitions: &BTreeSet<Partition>) -> Option<Vec<Publish>> {
        let mut messages: Vec<Publish> = ready.iter().map(|ready| ready.prepared.message.clone()).collect();
        for &partition in partitions {
            let own = self.shared.slot(partition).claim_seq();
            // A claim that is gone takes the whole batch with it: the partition's sessions are not ours to close.
            if own == 0 {
                return None;
            }
            messages.push(self.renewal(partition, own)?);
        }
        Some(messages)
    }

    /// The same claim again, on condition of itself.
    fn renewal(&self, partition: Partition, own: u64) -> Option<Publish> {
        let how = self.shared.slot(partition).how();
        claim::message(&self.shared.node_id, partition, own, claim::Says::Mine(how))
    }

    /// Sends an echo, and waits for it: when it was sent; `None` when it does not come or the node does not hear.
    async fn hear_echo(&self) -> Option<Mono> {
        let waiter = self.echoes.send_and_wait(&self.shared).await?;
        let returned = timeout(STEP_WITHIN, waiter).await.ok()?.ok()?;
        returned.hears.then_some(returned.sent_at)
    }

    /// The whole condition again, gaps included.
    fn still_holds(&self, ready: &[Ready], sent_at: Mono, gap_end: Mono) -> bool {
        let unchanged = {
            let hearing = self.shared.hearing.lock();
            hearing.gap_end() == gap_end && !hearing.is_deaf()
        };
        let now = Mono::now();
        unchanged
            && ready.iter().all(|Ready { partition, prepared }| {
                let slot = self.shared.slot(*partition);
                let due = self.shared.deadline(slot, &prepared.cell, now).after(BEAT_ALLOWANCE);
                slot.has(&prepared.cell) && prepared.cell.seen().0 == prepared.seen && due <= sent_at
            })
    }

    async fn finish(
        &self,
        outcome: Result<andon_nats::Ack, PublishError>,
        sent: Mono,
        ready: Vec<Ready>,
        partitions: &BTreeSet<Partition>,
    ) {
        match outcome {
            Ok(ack) => {
                self.shared.health.answered();
                let count = ready.len() + partitions.len();
                let first = (ack.seq + 1).saturating_sub(count as u64);
                metrics::counter!("andon_idle_closes_total").increment(ready.len() as u64);
                tracing::info!(closes = ready.len(), last_seq = ack.seq, "closed silent sessions");
                for (seq, Ready { partition, prepared }) in (first..).zip(ready) {
                    let closed = SessionMsg::Closed(Box::new(prepared.event), seq);
                    self.tell(partition, prepared.cell.worker_id, closed);
                }
                let first_renewal = (ack.seq + 1).saturating_sub(partitions.len() as u64);
                for (seq, &partition) in (first_renewal..).zip(partitions) {
                    self.shared.slot(partition).renewed(seq);
                }
            }
            Err(error) => {
                self.shared.health.refused(&error, sent);
                tracing::info!(%error, closes = ready.len(), "a batch of idle closes was not stored, or may not be");
                metrics::counter!("andon_idle_batches_refused_total").increment(1);
                self.after_refusal(&ready, partitions).await;
            }
        }
    }

    /// A refused batch names no culprit: read the claims, then the chains; what is still due comes back (rule 15).
    async fn after_refusal(&self, ready: &[Ready], partitions: &BTreeSet<Partition>) {
        for &partition in partitions {
            self.read_claim(partition).await;
        }
        for Ready { partition, prepared } in ready {
            self.tell(*partition, prepared.cell.worker_id, SessionMsg::Refresh);
        }
        sleep(AFTER_REFUSAL).await;
    }

    /// Own renewal: keep its sequence; somebody else's: step down (rules 10 and 15).
    async fn read_claim(&self, partition: Partition) {
        match claim::read(self.shared.bus(), partition).await {
            Ok(Some(seen)) if *seen.claim.node_id == *self.shared.node_id && !seen.claim.released => {
                self.shared.slot(partition).renewed(seen.seq);
            }
            Ok(Some(seen)) => {
                metrics::counter!(claim::REFUSED).increment(1);
                drop(self.node.cast(NodeMsg::ClaimSeen(partition, seen)));
            }
            Ok(None) => tracing::error!(%partition, "the claim of this node is gone from the log"),
            Err(error) => tracing::warn!(%partition, %error, "a claim could not be read"),
        }
    }

    async fn renew(&self, partitions: &[Partition]) {
        for &partition in partitions {
            let own = self.shared.slot(partition).claim_seq();
            let Some(message) = self.renewal(partition, own) else {
                continue;
            };
            if own == 0 {
                continue;
            }
            let sent = Mono::now();
            match self.shared.bus().publish(&message, STEP_WITHIN).await {
                Ok(ack) => {
                    self.shared.health.answered();
                    self.shared.slot(partition).renewed(ack.seq);
                }
                Err(error) => {
                    self.shared.health.refused(&error, sent);
                    self.read_claim(partition).await;
                }
            }
        }
    }

    fn tell(&self, partition: Partition, worker: bus_schemas::WorkerId, message: SessionMsg) {
        if let Some(shard) = self.shared.slot(partition).shard() {
            let _ = shard.cast(ShardMsg::Tell(worker, message));
        }
    }
}

/// Each session once.
fn distinct(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut known = HashSet::new();
    candidates.retain(|candidate| known.insert(candidate.actor.get_id()));
    candidates
}

async fn prepare(candidate: Candidate, sent_at: Mono) -> Option<Ready> {
    let (sender, receiver) = oneshot::channel();
    candidate.actor.cast(SessionMsg::PrepareClose(sent_at, sender)).ok()?;
    let prepared = timeout(PREPARE_WITHIN, receiver).await.ok()?.ok()?;
    Some(Ready { partition: candidate.partition, prepared })
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use andon_nats::testing::{Settings, TestServer};
    use ractor::{Actor, ActorProcessingErr, Message};

    use super::*;

    struct Nobody<M>(PhantomData<fn() -> M>);

    impl<M: Message> Actor for Nobody<M> {
        type Msg = M;
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ActorRef<M>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }
    }

    async fn nobody<M: Message>() -> ActorRef<M> {
        Actor::spawn(None, Nobody(PhantomData), ()).await.unwrap().0
    }

    #[tokio::test]
    async fn a_node_that_has_lost_everything_while_the_log_was_silent_is_not_mute_for_ever() {
        // given a log that was silent for long, and a node that owns nothing any more
        let server = TestServer::start(Settings::default()).await;
        let (shared, stop) = crate::shared::testing::shared(&server).await;
        shared.health.unanswered(Mono::now().before(Duration::from_secs(60)));
        assert!(shared.health.is_mute());
        // when the log is tried
        let node = nobody().await;
        let closer = Closer { shared: Arc::clone(&shared), echoes: Arc::default(), node: node.clone() };
        let (sender, inbox) = mpsc::channel(1);
        sender.send(CloserMsg::Probe).await.unwrap();
        drop(sender);
        closer.run(inbox, stop.child_token()).await;
        // then nothing is held against it.
        assert!(!shared.health.is_mute());
        stop.cancel();
        node.stop(None);
    }

    #[tokio::test]
    async fn a_session_that_was_due_twice_while_the_closer_was_at_work_stands_once_in_the_batch() {
        let mut actors = Vec::new();
        for _ in 0..2 {
            actors.push(nobody().await);
        }
        let due = |number: usize| Candidate { partition: Partition::new(7), actor: actors[number].clone() };
        let once = distinct(vec![due(0), due(1), due(0), due(0)]);
        let ids: Vec<_> = once.iter().map(|candidate| candidate.actor.get_id()).collect();
        assert_eq!(ids, [actors[0].get_id(), actors[1].get_id()]);
        actors.iter().for_each(|actor| actor.stop(None));
    }
}
