//! A command on its way through shard and session actor, with all that must be given back at its end.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use andon_nats::Bus;
use bus_schemas::{Command, Reply, codec, subject};
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;

use crate::clock::Mono;

/// One attempt of a command. Its permit is given back when the last holder drops it: on reply, panic, kill or drop.
pub struct Work {
    /// What is asked.
    pub command: Command,
    /// Where the answer goes.
    pub reply_to: Box<str>,
    /// W3C trace context, handed on to the event.
    pub trace: Option<Box<str>>,
    /// When it arrived.
    pub arrived: Mono,
    /// How often it has made its actor panic.
    pub panics: AtomicU8,
    /// Bounds what is at work in the partition.
    pub _permit: OwnedSemaphorePermit,
}

impl Work {
    /// Sends the answer. A lost answer is an attempt of unknown outcome, and repeated.
    pub async fn answer(&self, bus: &Bus, reply: &Reply) {
        metrics::histogram!("andon_engine_command_seconds", "kind" => self.command.body.name())
            .record(Mono::now().since(self.arrived).as_secs_f64());
        send_reply(bus, &self.reply_to, reply).await;
    }

    /// Counts a panic; returns how many there were.
    pub fn panicked(&self) -> u8 {
        self.panics.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Answers an attempt.
pub async fn send_reply(bus: &Bus, reply_to: &str, reply: &Reply) {
    let payload = match codec::encode(reply) {
        Ok(payload) => payload,
        Err(error) => return tracing::error!(%error, "a reply cannot be encoded"),
    };
    let mut headers = andon_nats::HeaderMap::new();
    headers.insert(subject::HEADER_SCHEMA, codec::SCHEMA);
    if let Err(error) = bus.send(reply_to.to_owned(), Some(headers), payload.into()).await {
        tracing::debug!(%error, "a reply was not sent");
    }
}

/// What a session actor has in hand: what its shard needs to know when the actor panics.
#[derive(Default)]
pub struct Hand(Mutex<Option<Arc<Work>>>);

impl Hand {
    /// The actor begins with this.
    pub fn take(&self, work: &Arc<Work>) {
        *self.0.lock() = Some(Arc::clone(work));
    }

    /// The actor is done, or its shard takes it over after a panic.
    pub fn empty(&self) -> Option<Arc<Work>> {
        self.0.lock().take()
    }
}
