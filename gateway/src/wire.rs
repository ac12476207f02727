//! What the gateway needs of the bus, as a trait: handlers and the command loop are tested without servers, and the
//! one implementation over NATS is thin.

use std::time::Duration;

use andon_nats::{Bus, HeaderMap, LogClock, ReadError, RequestError};
use bus_schemas::{
    Command, Reply, SessionEvent, TimeUs, WorkerId,
    codec::{self, SCHEMA},
    subject,
};
use bytes::Bytes;
use futures::future::BoxFuture;

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Exchanged {
    /// The owner answered.
    Answered(Reply),
    /// Nobody got it.
    Nobody,
    /// No answer in time, or one that cannot be read.
    Nothing,
}

/// The bus, as far as commands and look-ups need it.
pub trait Wire: Send + Sync {
    /// Sends one attempt to a node and waits for its answer.
    fn exchange<'a>(
        &'a self,
        node_id: &'a str,
        command: &'a Command,
        traceparent: &'a str,
        within: Duration,
    ) -> BoxFuture<'a, Exchanged>;

    /// The worker's last event and its stream sequence, read from the log's leader.
    fn last_event(&self, worker: WorkerId) -> BoxFuture<'_, Result<Option<(SessionEvent, u64)>, LogUnread>>;

    /// Log time now, when it is known well enough (protocol rule 8).
    fn log_now(&self) -> Option<TimeUs>;

    /// Whether there is a connection now.
    fn connected(&self) -> bool;
}

/// The log could not be asked, or its answer could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LogUnread(pub String);

/// Time for a look into the log.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// The real one.
pub struct NatsWire {
    /// The connection.
    pub bus: Bus,
    /// Log time.
    pub clock: LogClock,
}

impl Wire for NatsWire {
    fn exchange<'a>(
        &'a self,
        node_id: &'a str,
        command: &'a Command,
        traceparent: &'a str,
        within: Duration,
    ) -> BoxFuture<'a, Exchanged> {
        Box::pin(async move {
            let Ok(payload) = codec::encode(command) else { return Exchanged::Nobody };
            let mut headers = HeaderMap::new();
            headers.insert(subject::HEADER_SCHEMA, SCHEMA);
            headers.insert(subject::HEADER_TRACE, traceparent);
            let asked = self.bus.request(subject::command(node_id), Some(headers), Bytes::from(payload), within);
            match asked.await {
                Ok(message) => read_reply(&message.payload),
                Err(RequestError::NoResponders | RequestError::Disconnected) => Exchanged::Nobody,
                Err(RequestError::TimedOut) => Exchanged::Nothing,
            }
        })
    }

    fn last_event(&self, worker: WorkerId) -> BoxFuture<'_, Result<Option<(SessionEvent, u64)>, LogUnread>> {
        Box::pin(async move {
            let unread = |error: &dyn std::fmt::Display| LogUnread(error.to_string());
            let found = self.bus.last_message(subject::STREAM_LOG, &subject::session(worker), READ_WITHIN).await;
            let Some(message) = found.map_err(|error: ReadError| unread(&error))? else { return Ok(None) };
            let event = message.decode::<SessionEvent>().map_err(|error| unread(&error))?;
            Ok(Some((event, message.seq)))
        })
    }

    fn log_now(&self) -> Option<TimeUs> {
        self.clock.now()
    }

    fn connected(&self) -> bool {
        self.bus.connected()
    }
}

fn read_reply(payload: &[u8]) -> Exchanged {
    match codec::decode::<Reply>(payload) {
        Ok(reply) => Exchanged::Answered(reply),
        Err(error) => {
            // An owner of another version did something; what, is not known.
            tracing::warn!(%error, "a reply cannot be read");
            Exchanged::Nothing
        }
    }
}
