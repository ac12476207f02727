//! The connection of a role, and requests that always come to an end.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_nats::{Client, ConnectOptions, Event, HeaderMap, Message, StatusCode, connection::State};
use bytes::Bytes;
use tokio::{sync::watch, time::timeout};

use crate::{
    NatsConfig,
    majority::{self, Rotation},
    replies::Replies,
};

/// A half-open link, or a server that is frozen, is noticed in the third of these without an answer; the default of 60 s
/// would take minutes.
const PING_INTERVAL: Duration = Duration::from_secs(2);
/// Time for connecting and the handshake: a frozen server accepts connections, and another one waits to be tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest pause between attempts to connect again: an outage of seconds must not become one of more.
const RECONNECT_DELAY_MAX: Duration = Duration::from_millis(500);
/// Messages that a subscription holds before the library drops some: ten seconds of heartbeats batches and more.
const SUBSCRIPTION_CAPACITY: usize = 65_536;
/// Time for handing a message to the client's queue: longer, and the connection is stuck.
const ENQUEUE_TIMEOUT: Duration = Duration::from_secs(1);

/// NATS cannot be reached or used.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// No server answers.
    #[error("cannot connect to NATS at {url}: {source}")]
    Connect {
        /// Where.
        url: String,
        /// Why.
        source: async_nats::ConnectError,
    },
    /// The inbox cannot be subscribed to.
    #[error("cannot subscribe on NATS: {0}")]
    Subscribe(#[from] async_nats::SubscribeError),
    /// The server or the log is not what Andon needs.
    #[error(transparent)]
    Unfit(#[from] crate::server::Unfit),
    /// A stream cannot be read or made.
    #[error("stream {stream}: {source}")]
    Stream {
        /// Which.
        stream: String,
        /// Why.
        source: crate::ReadError,
    },
    /// The server refuses a stream's definition.
    #[error("stream {stream} cannot be made: {text} (code {code})")]
    Definition {
        /// Which.
        stream: String,
        /// The server's error code.
        code: u64,
        /// The server's words.
        text: String,
    },
}

/// Why a request has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Nobody listens: nothing happened.
    #[error("nobody answers there")]
    NoResponders,
    /// No connection when it should have been sent: nothing happened.
    #[error("not connected to NATS")]
    Disconnected,
    /// No reply in time: what happened is unknown.
    #[error("no reply in time")]
    TimedOut,
}

/// Whether there is a connection, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Connected now.
    pub up: bool,
    /// Goes up with every connect, disconnect and dropped message: whoever saw another number may have missed
    /// something.
    pub epoch: u64,
}

/// A role's connection to NATS; clones share it.
#[derive(Clone)]
pub struct Bus {
    client: Client,
    replies: Arc<Replies>,
    connection: watch::Receiver<Connection>,
}

impl Bus {
    /// Connects as `role` (its inbox prefix is `_INBOX.<role>`). Afterwards it reconnects for ever.
    ///
    /// # Errors
    /// No server answers now, or it refuses the credentials.
    pub async fn connect(config: &NatsConfig, role: &str) -> Result<Self, NatsError> {
        let (sender, connection) = watch::channel(Connection { up: true, epoch: 0 });
        let sender = Arc::new(sender);
        let mut options = ConnectOptions::new()
            .name(format!("andon-{role}"))
            .custom_inbox_prefix(format!("_INBOX.{role}"))
            .ping_interval(PING_INTERVAL)
            .connection_timeout(CONNECT_TIMEOUT)
            .subscription_capacity(SUBSCRIPTION_CAPACITY)
            .reconnect_delay_callback(|attempts| {
                RECONNECT_DELAY_MAX.min(Duration::from_millis(20 * u64::try_from(attempts).unwrap_or(25)))
            })
            .event_callback({
                let role = role.to_owned();
                move |event| {
                    note(&sender, &role, &event);
                    async {}
                }
            });
        if let (Some(user), Some(password)) = (&config.user, &config.password) {
            options = options.user_and_password(user.clone(), password.clone());
        }
        if let Some(ca) = &config.ca {
            options = options.require_tls(true).add_root_certificates(ca.clone());
        }
        let servers: Vec<&str> = config.url.split(',').map(str::trim).collect();
        let has_others = servers.len() > 1;
        if has_others {
            let rotation = Rotation::default();
            options = options.reconnect_to_server_callback(move |servers, _| {
                let next = rotation.next(&servers);
                async { next }
            });
        }
        let client =
            options.connect(servers).await.map_err(|source| NatsError::Connect { url: config.url.clone(), source })?;
        let replies = Arc::new(Replies::start(&client).await?);
        if has_others {
            tokio::spawn(majority::watch(client.clone(), Arc::downgrade(&replies), connection.clone()));
        }
        Ok(Self { client, replies, connection })
    }

    /// The same connection once more.
    pub(crate) const fn of(client: Client, replies: Arc<Replies>, connection: watch::Receiver<Connection>) -> Self {
        Self { client, replies, connection }
    }

    /// The client, for subscriptions and plain publishes.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether there is a connection now, by the library's own state (the watch may lag a moment).
    #[must_use]
    pub fn connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// How often a connection was made. Unlike [`Connection::epoch`] it never lags: whatever comes through a connection
    /// comes after it was counted.
    #[must_use]
    pub fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Follows the connection.
    #[must_use]
    pub fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.clone()
    }

    /// Asks, and waits for one reply no longer than `within`.
    ///
    /// # Errors
    /// [`RequestError::NoResponders`] and [`RequestError::Disconnected`] mean that nobody got it,
    /// [`RequestError::TimedOut`] that nobody knows.
    pub async fn request(
        &self,
        subject: String,
        headers: Option<HeaderMap>,
        payload: Bytes,
        within: Duration,
    ) -> Result<Message, RequestError> {
        // The library would keep it and send it after a reconnect, when nobody waits any more.
        if !self.connected() {
            return Err(RequestError::Disconnected);
        }
        let (inbox, mut pending) = self.replies.expect();
        let exchange = async {
            let sent = match headers {
                Some(headers) => self.client.publish_with_reply_and_headers(subject, inbox, headers, payload).await,
                None => self.client.publish_with_reply(subject, inbox, payload).await,
            };
            if sent.is_err() {
                return Err(RequestError::Disconnected);
            }
            pending.reply().await.ok_or(RequestError::TimedOut)
        };
        let reply = timeout(within, exchange).await.unwrap_or(Err(RequestError::TimedOut))?;
        match reply.status {
            Some(StatusCode::NO_RESPONDERS) => Err(RequestError::NoResponders),
            _ => Ok(reply),
        }
    }

    /// Sends without waiting for anybody.
    ///
    /// # Errors
    /// No connection, or a stuck one; also without an error nobody may have got it.
    pub async fn send(&self, subject: String, headers: Option<HeaderMap>, payload: Bytes) -> Result<(), RequestError> {
        if !self.connected() {
            return Err(RequestError::Disconnected);
        }
        let sending = async {
            match headers {
                Some(headers) => self.client.publish_with_headers(subject, headers, payload).await,
                None => self.client.publish(subject, payload).await,
            }
        };
        match timeout(ENQUEUE_TIMEOUT, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(RequestError::Disconnected),
            Err(_) => Err(RequestError::TimedOut),
        }
    }
}

fn note(sender: &watch::Sender<Connection>, role: &str, event: &Event) {
    let up = match event {
        Event::Connected => Some(true),
        Event::Disconnected | Event::Closed => Some(false),
        Event::SlowConsumer(_) => None,
        _ => return,
    };
    tracing::info!(role, "NATS: {event}");
    sender.send_modify(|connection| {
        connection.up = up.unwrap_or(connection.up);
        connection.epoch += 1;
    });
}
