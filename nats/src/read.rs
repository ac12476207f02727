//! Reads from the stream's leader: the last message on a subject, one message, what the stream is like.

use std::time::Duration;

use async_nats::{HeaderMap, jetstream::message::StreamMessage, jetstream::stream::RawMessage};
use bus_schemas::{TimeUs, subject};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{Bus, RequestError, batch::api_error, publish::ApiError};

/// A message as a stream has it.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    /// Its subject.
    pub subject: String,
    /// Its stream sequence.
    pub seq: u64,
    /// When the stream stored it, by the server's clock.
    pub time_us: TimeUs,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub payload: Bytes,
}

impl StoredMessage {
    /// Its `Andon-Schema` header.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.headers.get(subject::HEADER_SCHEMA).map(|value| value.as_str())
    }

    /// Reads its body; see [`bus_schemas::codec::decode_versioned`].
    ///
    /// # Errors
    /// It is no such message, or of a newer major version.
    pub fn decode<T: serde::de::DeserializeOwned>(&self) -> Result<T, bus_schemas::codec::CodecError> {
        bus_schemas::codec::decode_versioned(self.schema(), &self.payload)
    }
}

/// A stream could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// No answer in time, or no connection.
    #[error("no answer from the log: {0}")]
    Unreachable(#[from] RequestError),
    /// The server says no.
    #[error("the server refuses: {text} (code {code})")]
    Refused {
        /// The server's error code.
        code: u64,
        /// The server's words.
        text: String,
    },
    /// The answer makes no sense.
    #[error("the server's answer cannot be read: {0}")]
    Garbled(String),
}

impl ReadError {
    /// Whether the server said that there is no such stream.
    #[must_use]
    pub const fn is_no_stream(&self) -> bool {
        matches!(self, Self::Refused { code: 10_059, .. })
    }
}

/// "no message found".
const NO_MESSAGE: u64 = 10_037;

/// What a server says itself when it reaches no leader: "JetStream system temporarily unavailable".
const NO_QUORUM: u64 = 10_008;
const NO_QUORUM_TEXT: &str = "the stream has no leader that reaches enough of the other servers";
/// Replicas answer their leader every second, and elect another when they have not heard it for 4 s (nats-server's
/// `minElectionTimeoutDefault`). A leader that was frozen longer than this may answer from before its successor.
const HEARD_WITHIN: Duration = Duration::from_secs(3);

/// The servers of a stream with several copies, as one of them sees it. A server that is cut off from the others goes on
/// answering: as the leader that it was for another 17 s, and then without any leader, from what it had (nats-server 2.15.1).
#[derive(Deserialize)]
struct Quorum {
    leader: Option<String>,
    #[serde(default)]
    replicas: Vec<Peer>,
}

#[derive(Deserialize)]
struct Peer {
    /// Nanoseconds since it was heard.
    #[serde(default)]
    active: u64,
}

impl Quorum {
    /// Whether there is a leader, and it has heard enough of the others lately to be the only one.
    fn is_there(&self) -> bool {
        let heard = self.replicas.iter().filter(|peer| Duration::from_nanos(peer.active) < HEARD_WITHIN).count();
        self.leader.as_ref().is_some_and(|leader| !leader.is_empty()) && heard >= self.replicas.len().div_ceil(2)
    }
}

/// What a stream is like, as far as trust in it depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamFacts {
    /// When it was created: another time is another stream.
    pub created_us: TimeUs,
    /// Sequence of its first message.
    pub first_seq: u64,
    /// Sequence of its last message.
    pub last_seq: u64,
    /// How many messages it has.
    pub messages: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many bytes it may have; none: no limit of its own.
    pub max_bytes: Option<u64>,
    /// Messages missing between first and last; nothing deletes single ones by design.
    pub num_deleted: u64,
    /// Messages the server knows it has lost.
    pub lost_messages: u64,
    /// Bytes the server knows it has lost.
    pub lost_bytes: u64,
    /// The server's clock when it answered.
    pub server_now_us: TimeUs,
    /// Its definition, as the server gives it.
    pub config: serde_json::Value,
}

#[derive(Deserialize)]
struct InfoReply {
    created: DateTime<Utc>,
    ts: DateTime<Utc>,
    config: serde_json::Value,
    state: InfoState,
    /// None: the server stands alone.
    cluster: Option<Quorum>,
}

#[derive(Deserialize)]
struct InfoState {
    messages: u64,
    bytes: u64,
    first_seq: u64,
    last_seq: u64,
    #[serde(default)]
    num_deleted: u64,
    lost: Option<InfoLost>,
}

#[derive(Deserialize)]
struct InfoLost {
    #[serde(default)]
    msgs: Option<Vec<u64>>,
    #[serde(default)]
    bytes: u64,
}

#[derive(Deserialize)]
struct GetReply {
    message: RawMessage,
}

impl Bus {
    /// Asks the JetStream API and reads its JSON answer.
    ///
    /// # Errors
    /// No answer, an error from the server, or an answer of another shape.
    pub async fn api<T: serde::de::DeserializeOwned>(
        &self,
        what: &str,
        body: &serde_json::Value,
        within: Duration,
    ) -> Result<T, ReadError> {
        let payload = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let reply = self.request(format!("$JS.API.{what}"), None, payload, within).await?;
        if let Some(ApiError { err_code, description }) = api_error(&reply.payload) {
            return Err(ReadError::Refused { code: err_code, text: description });
        }
        serde_json::from_slice(&reply.payload).map_err(|error| ReadError::Garbled(error.to_string()))
    }

    /// The last message on a subject, read from the leader (a direct get may be stale); `None` when there is none.
    ///
    /// # Errors
    /// The log does not answer, or refuses.
    pub async fn last_message(
        &self,
        stream: &str,
        subject: &str,
        within: Duration,
    ) -> Result<Option<StoredMessage>, ReadError> {
        self.get(stream, serde_json::json!({ "last_by_subj": subject }), within).await
    }

    /// The message with this sequence; `None` when there is none (any more).
    ///
    /// # Errors
    /// The log does not answer, or refuses.
    pub async fn message(&self, stream: &str, seq: u64, within: Duration) -> Result<Option<StoredMessage>, ReadError> {
        self.get(stream, serde_json::json!({ "seq": seq }), within).await
    }

    async fn get(
        &self,
        stream: &str,
        which: serde_json::Value,
        within: Duration,
    ) -> Result<Option<StoredMessage>, ReadError> {
        let reply: GetReply = match self.api(&format!("STREAM.MSG.GET.{stream}"), &which, within).await {
            Err(ReadError::Refused { code: NO_MESSAGE, .. }) => return Ok(None),
            reply => reply?,
        };
        let message = StreamMessage::try_from(reply.message).map_err(|error| ReadError::Garbled(error.to_string()))?;
        Ok(Some(StoredMessage {
            subject: message.subject.to_string(),
            seq: message.sequence,
            time_us: TimeUs::from_micros(message.time.timestamp_micros()),
            headers: message.headers,
            payload: message.payload,
        }))
    }

    /// What the stream is like now.
    ///
    /// # Errors
    /// The log does not answer, or there is no such stream.
    pub async fn stream_info(&self, stream: &str, within: Duration) -> Result<StreamFacts, ReadError> {
        let info: InfoReply = self.api(&format!("STREAM.INFO.{stream}"), &serde_json::Value::Null, within).await?;
        if !info.cluster.as_ref().is_none_or(Quorum::is_there) {
            return Err(ReadError::Refused { code: NO_QUORUM, text: NO_QUORUM_TEXT.to_owned() });
        }
        let lost = info.state.lost.unwrap_or(InfoLost { msgs: None, bytes: 0 });
        Ok(StreamFacts {
            created_us: TimeUs::from_micros(info.created.timestamp_micros()),
            first_seq: info.state.first_seq,
            last_seq: info.state.last_seq,
            messages: info.state.messages,
            bytes: info.state.bytes,
            max_bytes: info.config.get("max_bytes").and_then(serde_json::Value::as_u64),
            num_deleted: info.state.num_deleted,
            lost_messages: lost.msgs.map_or(0, |messages| messages.len() as u64),
            lost_bytes: lost.bytes,
            server_now_us: TimeUs::from_micros(info.ts.timestamp_micros()),
            config: info.config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_there(leader: &str, active_s: &[u64]) -> bool {
        let replicas: Vec<_> =
            active_s.iter().map(|s| serde_json::json!({"name": "x", "active": s * 1_000_000_000})).collect();
        let leader = (!leader.is_empty()).then_some(leader);
        let info = serde_json::json!({"name": "andon", "leader": leader, "replicas": replicas});
        serde_json::from_value::<Quorum>(info).unwrap().is_there()
    }

    #[test]
    fn only_a_leader_that_hears_the_majority_speaks_for_the_stream() {
        assert!(is_there("nats-1", &[0, 1]));
        assert!(is_there("nats-1", &[0, 60]), "one of three is away");
        assert!(!is_there("nats-1", &[6, 7]), "it is cut off, and has not noticed");
        assert!(!is_there("nats-1", &[4, 4]), "it was frozen, and another may lead");
        assert!(!is_there("", &[0, 0, 1]), "it is cut off, and has noticed");
        assert!(is_there("nats-1", &[]), "one copy");
        assert!(is_there("nats-1", &[0, 1, 60, 60]) && !is_there("nats-1", &[0, 60, 60, 60]), "five copies");
    }
}
