//! A worker's chain on the log (protocol rules 1 to 4): how events are written compare-and-set, and read back.

use std::{sync::Arc, time::Duration};

use andon_nats::{Ack, Bus, Expect, Publish, PublishError, ReadError, StoredMessage};
use bus_schemas::{SessionEvent, WorkerId, WorkerState, codec, subject};
use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::session;

/// Replace batches a node has open at once (rule 4): a stream takes 50, so three nodes fit.
const REPLACES_MAX: usize = 16;
/// A command has this long for a leader read, if its expiry does not come first.
const READ_WITHIN: Duration = Duration::from_secs(1);

/// Writes to and reads from the chains; clones share the slots for batches.
#[derive(Clone)]
pub struct ChainLog {
    bus: Bus,
    replaces: Arc<Semaphore>,
}

/// What a chain says: its last message, folded.
#[derive(Clone, Debug)]
pub struct Tip {
    /// Its stream sequence; 0: the worker has no chain yet.
    pub seq: u64,
    /// When the stream stored it.
    pub time_us: bus_schemas::TimeUs,
    /// The state it carries, its ring resolved.
    pub state: Option<Box<WorkerState>>,
}

/// A chain cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The log does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The last message is no event this version can read.
    #[error("the message {seq} of worker {worker} {why}")]
    Unreadable {
        /// Its stream sequence.
        seq: u64,
        /// Whose chain.
        worker: WorkerId,
        /// Why.
        why: codec::CodecError,
    },
}

impl ChainLog {
    /// The chains on this connection.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus, replaces: Arc::new(Semaphore::new(REPLACES_MAX)) }
    }

    /// The connection.
    #[must_use]
    pub const fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Publishes what was decided on `base`, the chain's last sequence (rule 1): one event, or two as one atomic batch
    /// with the condition on the first alone (rule 4). `within` ends with the attempt's expiry (rule 7).
    ///
    /// # Errors
    /// Only [`PublishError::Unknown`] leaves open whether it is stored: read the chain (rule 2).
    pub async fn publish(&self, messages: &[Publish], within: Duration) -> Result<Ack, PublishError> {
        match messages {
            [one] => self.bus.publish(one, within).await,
            batch => {
                let Ok(Ok(_slot)) = tokio::time::timeout(within, self.replaces.acquire()).await else {
                    return Err(PublishError::Retry(0));
                };
                self.bus.publish_batch(batch, within).await
            }
        }
    }

    /// The chain's last message, from the stream's leader (rules 2 and 3).
    ///
    /// # Errors
    /// The log does not answer, or the message cannot be read.
    pub async fn tip(&self, worker: WorkerId, within: Duration) -> Result<Tip, ChainError> {
        let message =
            self.bus.last_message(subject::STREAM_LOG, &subject::session(worker), within.min(READ_WITHIN)).await?;
        message.map_or_else(|| Ok(Tip::none()), |message| read(worker, &message).map(|(tip, _)| tip))
    }

    /// The event at this sequence; `None` when it has left the log, or is not this worker's.
    ///
    /// # Errors
    /// The log does not answer, or the message cannot be read.
    pub async fn event(
        &self,
        worker: WorkerId,
        seq: u64,
        within: Duration,
    ) -> Result<Option<SessionEvent>, ChainError> {
        let message = self.bus.message(subject::STREAM_LOG, seq, within.min(READ_WITHIN)).await?;
        let Some(message) = message.filter(|message| message.subject == subject::session(worker)) else {
            return Ok(None);
        };
        read(worker, &message).map(|(_, event)| Some(event))
    }
}

impl Tip {
    const fn none() -> Self {
        Self { seq: 0, time_us: bus_schemas::TimeUs::from_micros(0), state: None }
    }
}

/// Reads a message of a chain.
///
/// # Errors
/// It is no event this version can read.
pub fn read(worker: WorkerId, message: &StoredMessage) -> Result<(Tip, SessionEvent), ChainError> {
    let unreadable = |why| ChainError::Unreadable { seq: message.seq, worker, why };
    let event: SessionEvent = message.decode().map_err(unreadable)?;
    let state = session::apply(None, &event, message.seq);
    Ok((Tip { seq: message.seq, time_us: message.time_us, state: Some(Box::new(state)) }, event))
}

/// The messages for these events, on the chain whose last sequence is `base`.
///
/// # Errors
/// The events cannot be encoded; none of ours can fail.
pub fn messages(
    worker: WorkerId,
    base: u64,
    events: &[SessionEvent],
    trace: Option<&str>,
) -> Result<Vec<Publish>, codec::CodecError> {
    let subject = subject::session(worker);
    events
        .iter()
        .enumerate()
        .map(|(index, event)| {
            let mut headers = andon_nats::HeaderMap::new();
            headers.insert(subject::HEADER_EVENT_ID, event.event_id.to_string().as_str());
            headers.insert(subject::HEADER_EVENT, event.kind.name());
            headers.insert(subject::HEADER_SCHEMA, codec::SCHEMA);
            if let Some(trace) = trace {
                headers.insert(subject::HEADER_TRACE, trace);
            }
            // A condition on a later message of the batch is refused by the server (10164).
            let expect = if index == 0 { Expect::LastOnSubject(base) } else { Expect::Anything };
            Ok(Publish {
                stream: subject::STREAM_LOG,
                subject: subject.clone(),
                headers,
                payload: Bytes::from(codec::encode(event)?),
                expect,
            })
        })
        .collect()
}
