//! Our own multiplexer of replies: a request whose answer never comes is forgotten at its time-out.
//!
//! `async_nats::Client::request` keeps an entry for the client's life when no reply comes (nats.rs #1617), and an outage
//! or a mute server makes thousands of them.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_nats::{Client, Message};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::oneshot;

type Waiting = Mutex<HashMap<u64, oneshot::Sender<Message>>>;

/// Requests of this client that wait for their reply.
pub(crate) struct Replies {
    inbox: String,
    next: AtomicU64,
    waiting: Arc<Waiting>,
}

impl Replies {
    /// Subscribes to an inbox of our own; the task that reads it ends with the client.
    pub(crate) async fn start(client: &Client) -> Result<Self, async_nats::SubscribeError> {
        let inbox = client.new_inbox();
        let mut subscription = client.subscribe(format!("{inbox}.*")).await?;
        let waiting = Arc::new(Waiting::default());
        let read_by = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Some(message) = subscription.next().await {
                let number = message.subject.rsplit_once('.').and_then(|(_, last)| last.parse().ok());
                let waiter = number.and_then(|number: u64| read_by.lock().remove(&number));
                // Nobody waits any more: the request timed out, and its outcome was reported as unknown.
                if let Some(waiter) = waiter {
                    drop(waiter.send(message));
                }
            }
        });
        Ok(Self { inbox, next: AtomicU64::new(1), waiting })
    }

    /// A reply subject nobody else has, and what receives its first reply. Dropping the receiver forgets it.
    pub(crate) fn expect(&self) -> (String, Pending) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().insert(number, sender);
        let pending = Pending { number, receiver, waiting: Arc::clone(&self.waiting) };
        (format!("{}.{number}", self.inbox), pending)
    }
}

/// A reply that is waited for.
pub(crate) struct Pending {
    number: u64,
    receiver: oneshot::Receiver<Message>,
    waiting: Arc<Waiting>,
}

impl Pending {
    /// The reply; `None` when the client is gone.
    pub(crate) async fn reply(&mut self) -> Option<Message> {
        (&mut self.receiver).await.ok()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.number);
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{Settings, TestServer};

    /// Fault 24: requests that nobody answers, for a long time.
    #[tokio::test]
    async fn a_request_without_a_reply_is_forgotten() {
        let server = TestServer::start(Settings::default()).await;
        let client = async_nats::connect(server.config().url).await.unwrap();
        let replies = Replies::start(&client).await.unwrap();
        let mute = client.subscribe("mute").await.unwrap();
        for _ in 0..1_000 {
            let (inbox, mut pending) = replies.expect();
            client.publish_with_reply("mute", inbox, "".into()).await.unwrap();
            let reply = tokio::time::timeout(Duration::from_millis(1), pending.reply()).await;
            assert!(reply.is_err(), "somebody has answered");
        }
        assert_eq!(replies.waiting.lock().len(), 0);
        drop(mute);
    }
}
