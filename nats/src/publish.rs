//! One publish to a stream, with its condition, told as stored, refused or unknown.

use std::time::Duration;

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use serde::Deserialize;

use crate::{Bus, RequestError};

/// Header: the publish is accepted only when this is the subject's last sequence.
pub const EXPECT_LAST_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence";
/// Header: the publish is accepted only when this is the stream's last sequence.
pub const EXPECT_LAST: &str = "Nats-Expected-Last-Sequence";
/// Header: the publish is accepted only by this stream.
const EXPECT_STREAM: &str = "Nats-Expected-Stream";

/// A message for a stream.
#[derive(Clone, Debug)]
pub struct Publish {
    /// The stream that must store it: an acknowledgement of another one is none.
    pub stream: &'static str,
    /// Its subject.
    pub subject: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub payload: Bytes,
    /// On which condition.
    pub expect: Expect,
}

/// On which condition a message is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// On none.
    Anything,
    /// The last message on its subject has this sequence; 0: there is none.
    LastOnSubject(u64),
    /// The last message of the stream has this sequence.
    LastInStream(u64),
}

/// The message is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Its sequence; of a batch, the last one's.
    pub seq: u64,
    /// How many messages a batch had; 1 otherwise.
    pub count: u64,
}

/// The message may not be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Somebody else wrote: not stored.
    #[error("another message was stored in between")]
    Moved,
    /// The log is full: not stored.
    #[error("the log is full")]
    Full,
    /// It was not sent, or no stream takes it: not stored.
    #[error("not sent: {0}")]
    NotSent(RequestError),
    /// The server has no room for it just now (batches open, replication in flight): not stored, try again.
    #[error("the server has no room for it now (code {0})")]
    Retry(u64),
    /// The server refuses it: not stored.
    #[error("the server refuses it: {text} (code {code})")]
    Refused {
        /// The server's error code.
        code: u64,
        /// The server's words.
        text: String,
    },
    /// No answer: nobody knows whether it is stored.
    #[error("no acknowledgement: it may be stored or not")]
    Unknown,
}

impl PublishError {
    /// Whether it is certain that nothing was stored.
    #[must_use]
    pub const fn is_certain(&self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

#[derive(Deserialize)]
pub(crate) struct ApiError {
    #[serde(default)]
    pub(crate) err_code: u64,
    #[serde(default)]
    pub(crate) description: String,
}

#[derive(Deserialize)]
struct PubAck {
    #[serde(default)]
    stream: String,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    count: u64,
    error: Option<ApiError>,
}

impl Publish {
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.insert(EXPECT_STREAM, self.stream);
        match self.expect {
            Expect::Anything => {}
            Expect::LastOnSubject(seq) => headers.insert(EXPECT_LAST_SUBJECT, seq.to_string().as_str()),
            Expect::LastInStream(seq) => headers.insert(EXPECT_LAST, seq.to_string().as_str()),
        }
        headers
    }
}

impl Bus {
    /// Publishes, and waits for the acknowledgement no longer than `within`.
    ///
    /// # Errors
    /// See [`PublishError`]: only [`PublishError::Unknown`] leaves open whether it is stored.
    pub async fn publish(&self, publish: &Publish, within: Duration) -> Result<Ack, PublishError> {
        let reply =
            self.request(publish.subject.clone(), Some(publish.headers()), publish.payload.clone(), within).await;
        read_ack(publish.stream, reply)
    }
}

/// Reads the server's answer to a publish or to the commit of a batch.
pub(crate) fn read_ack(stream: &str, reply: Result<Message, RequestError>) -> Result<Ack, PublishError> {
    let reply = match reply {
        Ok(reply) => reply,
        Err(RequestError::TimedOut) => return Err(PublishError::Unknown),
        Err(not_sent) => return Err(PublishError::NotSent(not_sent)),
    };
    // What cannot be read proves nothing.
    let Ok(ack) = serde_json::from_slice::<PubAck>(&reply.payload) else { return Err(PublishError::Unknown) };
    match ack.error {
        Some(error) => Err(refused(error)),
        None if ack.stream == stream && ack.seq > 0 => Ok(Ack { seq: ack.seq, count: ack.count.max(1) }),
        None => Err(PublishError::Unknown),
    }
}

fn refused(error: ApiError) -> PublishError {
    match error.err_code {
        // Wrong last sequence.
        10_071 => PublishError::Moved,
        // Maximum messages or bytes; no storage left.
        10_047 | 10_077 | 10_023 => PublishError::Full,
        // A condition on this subject is in flight; too many open batches; server busy with batches.
        10_164 | 10_210 | 10_211 => PublishError::Retry(error.err_code),
        code => PublishError::Refused { code, text: error.description },
    }
}
