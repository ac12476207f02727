//! What reaches a node by its own subjects: commands (rule 6), heartbeats and echo (rules 11 and 12), and the question
//! whether it lives.

use std::{
    sync::{Arc, atomic::AtomicU8},
    time::Duration,
};

use andon_nats::Message;
use async_nats::Subscriber;
use bus_schemas::{
    Command, HandOver, NodeStatus, Partition, Reply,
    codec::{self, CodecError},
    heartbeat::{HeartbeatAck, HeartbeatMessage, Heartbeats},
    subject,
};
use futures::StreamExt;
use ractor::ActorRef;

use crate::{
    clock::Mono,
    echo::Echoes,
    node::NodeMsg,
    session,
    shard::ShardMsg,
    shared::Shared,
    slot::Ownership,
    work::{Work, send_reply},
};

/// Only replies under a gateway's inbox are answered: a reply subject is not checked by the server's permissions, and
/// an answer to a claim's subject would overwrite the claim.
const GATEWAY_INBOX: &str = "_INBOX.gateway.";

/// Takes commands until the subscription ends.
pub async fn commands(shared: Arc<Shared>, mut subscription: Subscriber) {
    while let Some(message) = subscription.next().await {
        let Some(reply_to) = gateway_reply(&message) else { continue };
        if let Err(reply) = accept(&shared, &message, &reply_to) {
            send_reply(shared.bus(), &reply_to, &reply).await;
        }
    }
}

fn gateway_reply(message: &Message) -> Option<Box<str>> {
    let reply = message.reply.as_ref()?.as_str();
    if !reply.starts_with(GATEWAY_INBOX) {
        tracing::warn!(reply, "a request from no gateway's inbox is not answered");
        return None;
    }
    Some(reply.into())
}

/// Hands a command to its shard.
fn accept(shared: &Arc<Shared>, message: &Message, reply_to: &str) -> Result<(), Reply> {
    let header =
        |name: &str| message.headers.as_ref().and_then(|headers| headers.get(name)).map(|value| value.as_str());
    let command: Command =
        codec::decode_versioned(header(subject::HEADER_SCHEMA), &message.payload).map_err(unreadable)?;
    if shared.is_halted() {
        return Err(busy("the log is not to be trusted"));
    }
    let partition = Partition::of(command.worker_id);
    let slot = shared.slot(partition);
    let shard = match slot.ownership() {
        // While it is being recovered the shard keeps the command; it expires like any other.
        Ownership::Serving(shard) | Ownership::Recovering(shard) => shard,
        Ownership::Foreign | Ownership::Preparing(..) | Ownership::Leaving => return Err(Reply::NotOwner),
    };
    let now = Mono::now();
    if session::is_proof_of_life(&command)
        && let Some(session_id) = command.body.session_id()
    {
        let gateway = shared.gateways.index_of(command.gateway_id);
        slot.with_cell(session_id, |cell| {
            if cell.worker_id == command.worker_id {
                cell.touch(now, gateway);
            }
        });
    }
    let Ok(permit) = Arc::clone(&slot.permits).try_acquire_owned() else {
        return Err(busy("too many commands at work"));
    };
    let work = Work {
        command,
        reply_to: reply_to.into(),
        trace: header(subject::HEADER_TRACE).map(Into::into),
        arrived: now,
        panics: AtomicU8::new(0),
        _permit: permit,
    };
    shard.cast(ShardMsg::Command(Arc::new(work))).map_err(|_| Reply::NotOwner)
}

fn busy(why: &str) -> Reply {
    Reply::Busy { why: why.into() }
}

fn unreadable(error: CodecError) -> Reply {
    tracing::error!(%error, "a command cannot be read");
    Reply::Refused(Box::new(bus_schemas::Refusal::new(
        bus_schemas::RefusalCode::InvalidPayload,
        error.to_string().as_str(),
    )))
}

/// Takes heartbeats and the echo, in the order they arrive, until the subscription ends.
pub async fn heartbeats(shared: Arc<Shared>, echoes: Arc<Echoes>, mut subscription: Subscriber) {
    while let Some(message) = subscription.next().await {
        match codec::decode(&message.payload) {
            Ok(HeartbeatMessage::Beats(batch)) => {
                let now = Mono::now();
                beats(&shared, &batch, now);
                if batch.roll_call
                    && let Some(reply_to) = gateway_reply(&message)
                {
                    acknowledge(&shared, &batch, &reply_to).await;
                }
            }
            Ok(HeartbeatMessage::Echo(echo)) => {
                if echo.node_id == shared.node_id {
                    echoes.returned(&shared, echo.number);
                }
            }
            Err(error) => tracing::error!(%error, "a heartbeat batch cannot be read"),
        }
    }
}

fn beats(shared: &Shared, batch: &Heartbeats, now: Mono) {
    let (gateway, lost) = shared.gateways.heard(now, batch, shared.newest_taken(), shared.idle);
    if lost {
        tracing::info!(gateway = %batch.gateway_id, "heartbeats of a gateway were lost: a gap");
        shared.hearing.lock().lost(now);
    }
    for beat in &batch.beats {
        let age = Duration::from_millis(u64::from(beat.age_ms));
        shared.slot(beat.partition).with_cell(beat.session_id, |cell| cell.touch(now.before(age), gateway));
        metrics::histogram!("andon_heartbeat_age_seconds").record(age.as_secs_f64());
    }
    metrics::counter!("andon_heartbeats_total").increment(batch.beats.len() as u64);
}

async fn acknowledge(shared: &Shared, batch: &Heartbeats, reply_to: &str) {
    let ack = HeartbeatAck { node_id: shared.node_id.clone(), counter: batch.counter };
    if let Ok(payload) = codec::encode(&ack) {
        let _ = shared.bus().send(reply_to.to_owned(), None, payload.into()).await;
    }
}

/// Only another engine may ask for partitions.
const ENGINE_INBOX: &str = "_INBOX.engine.";

/// Answers whether the node lives and serves, and hands on what another node asks for, until the subscription ends.
pub async fn liveness(shared: Arc<Shared>, node: ActorRef<NodeMsg>, mut subscription: Subscriber) {
    while let Some(message) = subscription.next().await {
        let Some(reply) = message.reply else { continue };
        if reply.starts_with(ENGINE_INBOX)
            && !message.payload.is_empty()
            && let Ok(asked) = codec::decode::<HandOver>(&message.payload)
        {
            let _ = node.cast(NodeMsg::HandOver(asked));
        }
        // Gateways and other engines ask; nobody else's inbox is answered.
        if !reply.starts_with("_INBOX.") {
            continue;
        }
        if let Ok(payload) = codec::encode(&status(&shared)) {
            let _ = shared.bus().send(reply.to_string(), None, payload.into()).await;
        }
    }
}

/// What this node says of itself.
#[must_use]
pub fn status(shared: &Shared) -> NodeStatus {
    let (mut owned, mut sessions) = (0, 0);
    for (_, slot) in shared.slots().filter(|(_, slot)| slot.claim_seq() > 0) {
        owned += 1;
        sessions += slot.sessions() as u64;
    }
    NodeStatus {
        node_id: shared.node_id.clone(),
        started_at_us: shared.started_at,
        ready: shared.unready().is_empty(),
        owned,
        sessions,
        log_seq: shared.log_seq(),
        leaving: shared.members.lock().is_leaving(),
    }
}
