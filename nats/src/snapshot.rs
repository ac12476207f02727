//! A stream as a whole: taken out of a server and put into another, by JetStream's own snapshots. Sequences, times,
//! headers and holes stay as they are; when it was created may not, and consumers are not carried along.
//!
//! What a snapshot holds is a prefix of the stream that reaches at least as far as the state it is told with.

use std::time::Duration;

use async_nats::{Message, Subscriber};
use bytes::Bytes;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::{Bus, ReadError, RequestError, StreamFacts, batch::api_error, publish::ApiError};

/// What is sent at once: far below every server's `max_payload`, which is 1 MiB unless it says otherwise.
const CHUNK_BYTES: usize = 256 << 10;
/// The server first compares every message with its checksum; it reads a gigabyte in seconds.
const BEGIN_WITHIN: Duration = Duration::from_secs(600);
/// A server that sends nothing for this long has given up: it waits for acknowledgements no longer than 5 s.
const CHUNK_WITHIN: Duration = Duration::from_secs(30);
/// The server unpacks and reads all of it before it answers.
const UNPACKED_WITHIN: Duration = Duration::from_secs(3_600);
const WITHIN: Duration = Duration::from_secs(10);
/// Copies of a restored stream are made by the servers among each other.
const COPIED_WITHIN: Duration = Duration::from_secs(1_800);
const POLL: Duration = Duration::from_millis(100);

/// A snapshot could not be taken or put back.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The server does not answer or refuses.
    #[error("stream {stream}: {source}")]
    Api {
        /// Which.
        stream: String,
        /// Why.
        source: ReadError,
    },
    /// A part was lost on the way, or the server gave up.
    #[error("stream {stream}: the snapshot broke off: {why}")]
    BrokeOff {
        /// Which.
        stream: String,
        /// Why.
        why: String,
    },
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] std::io::Error),
}

/// What the server says of a stream when it begins a snapshot; it wants both back with the snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshotted {
    /// The stream's definition.
    pub config: Value,
    /// Its state: what is in the snapshot at least.
    pub state: Value,
}

impl Snapshotted {
    /// A number of the state, such as `last_seq`; 0 where there is none.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        self.state.get(name).and_then(Value::as_u64).unwrap_or(0)
    }
}

/// Takes a stream and gives it to `write`, piece by piece. Whoever publishes meanwhile is not held up.
///
/// # Errors
/// See [`SnapshotError`]. What was written until then is worth nothing.
pub async fn take(
    bus: &Bus,
    stream: &str,
    mut write: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<Snapshotted, SnapshotError> {
    let api = |source| SnapshotError::Api { stream: stream.to_owned(), source };
    let inbox = bus.client().new_inbox();
    let mut pieces = bus.client().subscribe(inbox.clone()).await.map_err(|_| api(RequestError::Disconnected.into()))?;
    let body = json!({ "deliver_subject": inbox, "no_consumers": true, "jsck": true, "chunk_size": CHUNK_BYTES });
    let about: Snapshotted = bus.api(&format!("STREAM.SNAPSHOT.{stream}"), &body, BEGIN_WITHIN).await.map_err(api)?;
    let mut taken = 0;
    loop {
        let piece = next(stream, &mut pieces).await?;
        if piece.payload.is_empty() {
            return ended(stream, &piece).map(|()| about);
        }
        taken += 1;
        acknowledge(bus, stream, &piece, taken).await?;
        write(&piece.payload)?;
    }
}

async fn next(stream: &str, pieces: &mut Subscriber) -> Result<Message, SnapshotError> {
    match timeout(CHUNK_WITHIN, pieces.next()).await {
        Ok(Some(piece)) => Ok(piece),
        Ok(None) => Err(broke_off(stream, "the connection has ended")),
        Err(_) => Err(broke_off(stream, "the server sends nothing any more")),
    }
}

/// Only the last piece, which fills no chunk, needs no acknowledgement. Every other one is numbered by the subject of
/// its acknowledgement: a hole means that one was lost.
async fn acknowledge(bus: &Bus, stream: &str, piece: &Message, taken: u64) -> Result<(), SnapshotError> {
    let Some(reply) = &piece.reply else { return Ok(()) };
    let number = reply.rsplit_once('.').and_then(|(_, number)| number.parse::<u64>().ok());
    if number != Some(taken) {
        return Err(broke_off(stream, "a part of it was lost on the way"));
    }
    let sent = bus.send(reply.to_string(), None, Bytes::new()).await;
    sent.map_err(|error| broke_off(stream, &error.to_string()))
}

/// The message that ends a snapshot; one that was broken off says why.
fn ended(stream: &str, last: &Message) -> Result<(), SnapshotError> {
    match last.status {
        None => Ok(()),
        Some(status) if status.as_u16() == 204 => Ok(()),
        Some(status) => {
            let said = last.description.as_deref().unwrap_or_default();
            Err(broke_off(stream, &format!("the server says {} {said}", status.as_u16())))
        }
    }
}

fn broke_off(stream: &str, why: &str) -> SnapshotError {
    SnapshotError::BrokeOff { stream: stream.to_owned(), why: why.to_owned() }
}

/// Puts a stream back, as `about.config` defines it now, with this many copies; `read` gives the next piece of the
/// snapshot, empty at its end. A stream of this name must not be there.
///
/// In a cluster the stream is made with one copy, which then is copied: only so do all servers agree on when it was
/// created. (Restored with three copies at once, the server that was sent the snapshot names another time than the others:
/// to a reader it would be another stream after every election.)
///
/// # Errors
/// See [`SnapshotError`]. The stream may be there, or in part: whoever called removes it.
pub async fn put(
    bus: &Bus,
    stream: &str,
    about: &Snapshotted,
    replicas: usize,
    read: impl FnMut() -> std::io::Result<Bytes>,
) -> Result<StreamFacts, SnapshotError> {
    let api = |source| SnapshotError::Api { stream: stream.to_owned(), source };
    let mut config = about.config.clone();
    config["num_replicas"] = json!(1);
    let body = json!({ "config": config, "state": about.state });
    #[derive(Deserialize)]
    struct Accepted {
        deliver_subject: String,
    }
    let accepted: Accepted = bus.api(&format!("STREAM.RESTORE.{stream}"), &body, WITHIN).await.map_err(api)?;
    send(bus, stream, &accepted.deliver_subject, read).await?;
    let made: Value = bus.api(&format!("STREAM.INFO.{stream}"), &Value::Null, WITHIN).await.map_err(api)?;
    if replicas > 1 {
        config["num_replicas"] = json!(replicas);
        let _made: Value = bus.api(&format!("STREAM.UPDATE.{stream}"), &config, WITHIN).await.map_err(api)?;
    }
    if replicas > 1 || made.get("cluster").is_some_and(|cluster| !cluster.is_null()) {
        settled(bus, stream, replicas).await?;
    }
    bus.stream_info(stream, WITHIN).await.map_err(api)
}

async fn send(
    bus: &Bus,
    stream: &str,
    to: &str,
    mut read: impl FnMut() -> std::io::Result<Bytes>,
) -> Result<(), SnapshotError> {
    loop {
        let piece = read()?;
        let last = piece.is_empty();
        let within = if last { UNPACKED_WITHIN } else { CHUNK_WITHIN };
        let reply = ask(bus, to, piece, within).await;
        let reply = reply.map_err(|error| broke_off(stream, &error.to_string()))?;
        if let Some(ApiError { err_code, description }) = api_error(&reply.payload) {
            let source = ReadError::Refused { code: err_code, text: description };
            return Err(SnapshotError::Api { stream: stream.to_owned(), source });
        }
        if last {
            return Ok(());
        }
    }
}

/// That the server listens there is known to the others of a cluster only a moment later; until then nobody got it.
async fn ask(bus: &Bus, to: &str, piece: Bytes, within: Duration) -> Result<Message, RequestError> {
    let deadline = Instant::now() + WITHIN;
    loop {
        match bus.request(to.to_owned(), None, piece.clone(), within).await {
            Err(RequestError::NoResponders) if Instant::now() < deadline => sleep(POLL).await,
            reply => return reply,
        }
    }
}

/// Waits until every copy holds everything and the time of creation has come to rest: a server names it anew a moment
/// after the restore.
async fn settled(bus: &Bus, stream: &str, replicas: usize) -> Result<(), SnapshotError> {
    let deadline = Instant::now() + COPIED_WITHIN;
    let mut before = None;
    loop {
        let info: Result<Value, ReadError> = bus.api(&format!("STREAM.INFO.{stream}"), &Value::Null, WITHIN).await;
        match info {
            Ok(info) if copies(&info) == replicas => {
                if before.as_ref() == info.get("created") {
                    return Ok(());
                }
                before = info.get("created").cloned();
            }
            Ok(_) | Err(ReadError::Unreachable(_)) => {}
            Err(source) => return Err(SnapshotError::Api { stream: stream.to_owned(), source }),
        }
        if Instant::now() > deadline {
            return Err(broke_off(stream, "its copies do not get whole"));
        }
        sleep(POLL).await;
    }
}

/// How many servers hold all of the stream: the leader, and who is current.
fn copies(info: &Value) -> usize {
    let replicas = info["cluster"]["replicas"].as_array().map(Vec::as_slice).unwrap_or_default();
    let whole = |replica: &&Value| {
        replica["current"] == true && replica["offline"] != true && replica["lag"].as_u64().unwrap_or(0) == 0
    };
    let leader = info["cluster"]["leader"].as_str().is_some_and(|name| !name.is_empty());
    usize::from(leader) + replicas.iter().filter(whole).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_counts_when_it_holds_everything() {
        let info = |replicas: Value| json!({ "cluster": { "leader": "a", "replicas": replicas } });
        assert_eq!(copies(&info(json!([]))), 1);
        assert_eq!(copies(&info(json!([{ "current": true }, { "current": true, "lag": 3 }]))), 2);
        assert_eq!(copies(&info(json!([{ "current": true }, { "current": true, "offline": true }]))), 2);
        assert_eq!(copies(&json!({ "cluster": { "replicas": [{ "current": true }] } })), 1);
    }
}
