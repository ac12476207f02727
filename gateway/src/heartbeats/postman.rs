//! The task that carries beats to their owners, calls the roll, and asks owners whether they serve.

use std::{sync::Arc, time::Duration};

use andon_nats::{Bus, HeaderMap};
use bus_schemas::{
    NodeStatus,
    codec::{self, SCHEMA},
    heartbeat::{Beat, HeartbeatAck, HeartbeatMessage, Heartbeats as HeartbeatBatch},
    subject,
};
use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    Heartbeats,
    pending::{Batch, batches},
};
use crate::{clock::Moment, live_view::Node};

/// At most one batch to an owner in this time.
const BATCH_EVERY: Duration = Duration::from_millis(100);
/// Time a node has for answering a roll call; later answers prove nothing any more.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Roll calls and questions in flight, of all nodes together: an outage must not pile them up.
const QUESTIONS_MAX: usize = 256;
/// Longest time between two questions to an owner whether it serves. An owner knows that its log is mute after 5 s
/// without an acknowledgement, and within 6 s this gateway is not ready.
const STATUS_EVERY_MAX: Duration = Duration::from_millis(500);

/// Carries beats; one per gateway.
pub(crate) struct Postman {
    heartbeats: Heartbeats,
    bus: Bus,
    roll_call_every: Duration,
    /// Polled in this task, so that what a node gets is in the order of its counter.
    questions: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Postman {
    pub(crate) fn new(heartbeats: Heartbeats, bus: Bus, roll_call_every: Duration) -> Self {
        Self { heartbeats, bus, roll_call_every, questions: FuturesUnordered::new() }
    }

    /// Runs until stopped, and sends what has collected before it ends.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut batch_due = interval(BATCH_EVERY);
        batch_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut roll_call_due = interval(self.roll_call_every);
        roll_call_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut status_due = interval(STATUS_EVERY_MAX.min(self.roll_call_every));
        status_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut claims = self.heartbeats.view.claims.changes();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(()) = self.questions.next() => {}
                // The claims live as long as this.
                Ok(()) = claims.changed() => self.greet_new(),
                _ = batch_due.tick() => self.send_batches().await,
                _ = roll_call_due.tick() => self.call_roll(),
                _ = status_due.tick() => self.ask_status(),
            }
        }
        self.send_batches().await;
    }

    async fn send_batches(&mut self) {
        let waiting = self.heartbeats.pending.take();
        let claims = Arc::clone(&self.heartbeats.view.claims);
        let (batches, without_owner) = batches(waiting, |partition| claims.owner(partition));
        self.heartbeats.pending.put_back(without_owner);
        for batch in batches {
            self.send(batch).await;
        }
    }

    async fn send(&mut self, batch: Batch) {
        let Some(payload) = self.message(&batch.node, false, batch.beats(Instant::now())) else { return };
        match self.bus.send(subject::heartbeat(batch.node.id()), Some(headers()), payload).await {
            Ok(()) => crate::telemetry::beats_sent(batch.waiting.len()),
            // They were answered `ok`: they wait for the connection, and tell their age.
            Err(_) => self.heartbeats.pending.put_back(batch.waiting),
        }
    }

    /// Asks every node whether it hears this gateway, also those that own nothing of interest.
    fn call_roll(&self) {
        crate::telemetry::live_sessions(self.heartbeats.view.sessions.count());
        self.heartbeats.view.claims.current_nodes().into_iter().for_each(|node| self.call(node));
    }

    /// Asks every owner whether it serves: one that hears beats may still not be able to store anything.
    fn ask_status(&self) {
        self.heartbeats.view.claims.current_nodes().into_iter().for_each(|node| self.ask(node));
    }

    /// A node that has just taken its first partition is asked at once: until it has answered, the workers of all it has
    /// taken would be sent away.
    fn greet_new(&self) {
        for node in self.heartbeats.view.claims.not_greeted() {
            self.call(Arc::clone(&node));
            self.ask(node);
        }
    }

    fn call(&self, node: Arc<Node>) {
        if self.questions.len() < QUESTIONS_MAX
            && let Some(payload) = self.message(&node, true, Vec::new())
        {
            self.questions.push(Box::pin(call(self.bus.clone(), node, payload)));
        }
    }

    fn ask(&self, node: Arc<Node>) {
        if self.questions.len() < QUESTIONS_MAX {
            self.questions.push(Box::pin(ask(self.bus.clone(), node)));
        }
    }

    fn message(&self, node: &Node, roll_call: bool, beats: Vec<Beat>) -> Option<Bytes> {
        let batch = HeartbeatBatch {
            gateway_id: self.heartbeats.gateway_id,
            counter: node.next_counter(),
            roll_call,
            newest_claim_seq: self.heartbeats.view.claims.newest_seq(),
            beats,
        };
        codec::encode(&HeartbeatMessage::Beats(batch)).ok().map(Bytes::from)
    }
}

async fn call(bus: Bus, node: Arc<Node>, payload: Bytes) {
    let sent = Moment::now();
    let asked = bus.request(subject::heartbeat(node.id()), Some(headers()), payload, ANSWER_WITHIN).await;
    if let Ok(answer) = asked
        && codec::decode::<HeartbeatAck>(&answer.payload).is_ok_and(|ack| *ack.node_id == *node.id())
    {
        node.answered(sent);
    }
}

/// Without an answer what it said last stands: the roll call tells whether it is there.
async fn ask(bus: Bus, node: Arc<Node>) {
    let asked = bus.request(subject::node(node.id()), Some(headers()), Bytes::new(), ANSWER_WITHIN).await;
    if let Ok(answer) = asked
        && let Ok(status) = codec::decode::<NodeStatus>(&answer.payload)
        && *status.node_id == *node.id()
    {
        node.says(status.ready);
    }
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(subject::HEADER_SCHEMA, SCHEMA);
    headers
}
