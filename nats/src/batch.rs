//! Atomic batches (nats-server 2.12, ADR-50): stored as one or not at all; conditions are tested at the commit.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    Ack, Bus, Publish, PublishError, RequestError, StoredMessage,
    publish::{ApiError, read_ack},
};

/// Header: the batch a message was staged in; kept with the message.
pub const BATCH_ID: &str = "Nats-Batch-Id";
/// Header: the message's number in its batch, from 1; kept with the message.
pub const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
/// Header: the last message of its batch; kept with the message.
const BATCH_COMMIT: &str = "Nats-Batch-Commit";

/// Messages in one batch: the server's limit (10199 beyond).
pub const BATCH_MAX: usize = 1_000;

impl Bus {
    /// Publishes all messages as one, sent without waiting in between: a batch that waits for its first
    /// acknowledgement holds one of the stream's 50 open batches for a round trip more.
    ///
    /// # Errors
    /// As for a single publish; whatever it is, it holds for the whole batch.
    pub async fn publish_batch(&self, messages: &[Publish], within: Duration) -> Result<Ack, PublishError> {
        let Some((last, staged)) = messages.split_last() else {
            return Err(PublishError::Refused { code: 0, text: "an empty batch".to_owned() });
        };
        if staged.is_empty() {
            return self.publish(last, within).await;
        }
        let id = batch_id();
        let first = self.stage(&id, 1, &staged[0], within);
        let rest = async {
            for (index, message) in staged.iter().enumerate().skip(1) {
                self.stage_silently(&id, index + 1, message).await?;
            }
            self.commit(&id, messages.len(), last, within).await
        };
        // Both are polled in order, so the first message is queued before the others.
        let (first, committed) = tokio::join!(biased; first, rest);
        match committed {
            // A refusal of the first message says why the commit found no batch.
            Err(PublishError::Refused { .. }) => Err(first.err().unwrap_or(PublishError::Retry(0))),
            outcome => outcome,
        }
    }

    /// Stages the messages without committing; they are dropped after 10 s.
    ///
    /// # Errors
    /// The server takes no batch now. Nothing is stored.
    pub async fn stage_batch(&self, messages: &[Publish], within: Duration) -> Result<StagedBatch, PublishError> {
        let id = batch_id();
        for (index, message) in messages.iter().enumerate() {
            if index == 0 {
                self.stage(&id, 1, message, within).await?;
            } else {
                self.stage_silently(&id, index + 1, message).await?;
            }
        }
        Ok(StagedBatch { id, staged: messages.len() })
    }

    async fn stage(&self, id: &str, number: usize, message: &Publish, within: Duration) -> Result<(), PublishError> {
        let headers = batch_headers(message, id, number, false);
        match self.request(message.subject.clone(), Some(headers), message.payload.clone(), within).await {
            // Staged: an empty reply.
            Ok(reply) if reply.payload.is_empty() => Ok(()),
            Ok(reply) => read_ack(message.stream, Ok(reply)).map(|_| ()),
            // Without a commit nothing is stored, whatever the server got.
            Err(RequestError::TimedOut) => Err(PublishError::Retry(0)),
            Err(not_sent) => Err(PublishError::NotSent(not_sent)),
        }
    }

    async fn stage_silently(&self, id: &str, number: usize, message: &Publish) -> Result<(), PublishError> {
        let headers = batch_headers(message, id, number, false);
        self.send(message.subject.clone(), Some(headers), message.payload.clone()).await.map_err(PublishError::NotSent)
    }

    async fn commit(&self, id: &str, number: usize, last: &Publish, within: Duration) -> Result<Ack, PublishError> {
        let headers = batch_headers(last, id, number, true);
        let reply = self.request(last.subject.clone(), Some(headers), last.payload.clone(), within).await;
        read_ack(last.stream, reply)
    }
}

/// A batch that waits at the server for its last message.
#[derive(Debug)]
pub struct StagedBatch {
    id: String,
    staged: usize,
}

impl StagedBatch {
    /// Sends the last message: the conditions of all are tested now, and all are stored or none.
    ///
    /// # Errors
    /// As for a single publish; whatever it is, it holds for the whole batch.
    pub async fn commit(self, bus: &Bus, last: &Publish, within: Duration) -> Result<Ack, PublishError> {
        bus.commit(&self.id, self.staged + 1, last, within).await
    }

    /// Gives the slot back at once: a message with a gap in the batch sequence ends the batch (10176).
    pub async fn abort(self, bus: &Bus, any: &Publish, within: Duration) {
        let headers = batch_headers(any, &self.id, self.staged + 2, true);
        // Should it not arrive, the server drops the batch after 10 s.
        drop(bus.request(any.subject.clone(), Some(headers), Bytes::new(), within).await);
    }
}

/// Whether the next message of the stream belongs to the same batch: who reads no further has read half of a deed.
#[must_use]
pub fn goes_on_after(message: &StoredMessage) -> bool {
    message.headers.get(BATCH_ID).is_some() && message.headers.get(BATCH_COMMIT).is_none()
}

fn batch_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn batch_headers(message: &Publish, id: &str, number: usize, commit: bool) -> async_nats::HeaderMap {
    let mut headers = message.headers();
    headers.insert(BATCH_ID, id);
    headers.insert(BATCH_SEQUENCE, number.to_string().as_str());
    if commit {
        headers.insert(BATCH_COMMIT, "1");
    }
    headers
}

/// What a JetStream API reply says when it is an error.
pub(crate) fn api_error(payload: &[u8]) -> Option<ApiError> {
    #[derive(serde::Deserialize)]
    struct Reply {
        error: Option<ApiError>,
    }
    serde_json::from_slice::<Reply>(payload).ok().and_then(|reply| reply.error)
}
