//! The actor of one worker's session: decide, publish compare-and-set, apply, answer; one command at a time.
//!
//! It is spawned by the log (an active session) or by a command, lives across a replace, and ends when no session is
//! active. No state changes before the acknowledgement, so it may be killed at any await and is rebuilt from the log.

use std::sync::Arc;

use bus_schemas::{Partition, SessionEvent, WorkerId};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::{
    chain::Tip,
    clock::Mono,
    desk::{Desk, Prepared},
    shard::ShardMsg,
    shared::Shared,
    work::{Hand, Work},
};

/// What a session actor is told.
pub enum SessionMsg {
    /// A command for its worker.
    Command(Arc<Work>),
    /// Somebody (perhaps this actor itself) wrote to the chain.
    Followed(Box<Tip>),
    /// The closer has committed this close (rule 14).
    Closed(Box<SessionEvent>, u64),
    /// Is the session silent for too long at this time? Then prepare its close (rule 14).
    PrepareClose(Mono, oneshot::Sender<Prepared>),
    /// Move an old state forward in the log.
    Carry,
    /// Read the chain again: a batch with this session was refused or has an unknown outcome (rule 15).
    Refresh,
}

/// What a session actor is made with.
pub struct SessionArgs {
    /// The node.
    pub shared: Arc<Shared>,
    /// Whose session.
    pub worker: WorkerId,
    /// The worker's partition.
    pub partition: Partition,
    /// The shard.
    pub shard: ActorRef<ShardMsg>,
    /// What it has in hand, seen by the shard.
    pub hand: Arc<Hand>,
    /// The chain's last message, when the log has just delivered it.
    pub tip: Option<Box<Tip>>,
}

/// The actor of one worker's session.
pub struct SessionActor;

impl Actor for SessionActor {
    type Msg = SessionMsg;
    type State = Box<Desk>;
    type Arguments = SessionArgs;

    async fn pre_start(&self, _: ActorRef<SessionMsg>, args: SessionArgs) -> Result<Box<Desk>, ActorProcessingErr> {
        // In the shard's task: no I/O here.
        Ok(Box::new(Desk::new(args)))
    }

    async fn post_start(&self, _: ActorRef<SessionMsg>, desk: &mut Box<Desk>) -> Result<(), ActorProcessingErr> {
        // Should the log not answer, the first message tries again.
        Box::pin(desk.load()).await;
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMsg>,
        message: SessionMsg,
        desk: &mut Box<Desk>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionMsg::Command(work) => {
                desk.hand.take(&work);
                Box::pin(desk.serve(&work).instrument(span(&work))).await;
                desk.hand.empty();
            }
            SessionMsg::Followed(tip) => desk.adopt(*tip),
            SessionMsg::Closed(event, seq) => desk.store(&event, seq),
            SessionMsg::PrepareClose(_, reply) if desk.is_unreadable() => {
                // The closer does not wait for it. What can be read again by then is closed when it is due next.
                drop(reply);
                Box::pin(desk.refresh_quietly()).await;
            }
            SessionMsg::PrepareClose(sent_at, reply) => {
                if let Some(prepared) = desk.prepare_close(sent_at) {
                    // A closer that no longer waits builds its next batch anew.
                    drop(reply.send(prepared));
                }
            }
            SessionMsg::Carry => Box::pin(desk.carry()).await,
            SessionMsg::Refresh => Box::pin(desk.refresh_quietly()).await,
        }
        if desk.is_done() {
            // What is in the mailbox is still handled; the shard parks what comes later.
            let _ = myself.drain();
        }
        Ok(())
    }
}

/// One command's work in the log of this process; `traceparent` ties it to the request, and stands in the event too.
fn span(work: &Work) -> tracing::Span {
    tracing::debug_span!(
        "command",
        kind = work.command.body.name(),
        worker = %work.command.worker_id,
        command_id = %work.command.id,
        traceparent = work.trace.as_deref(),
    )
}
