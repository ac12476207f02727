//! The floor of the feed: what is published goes through one broadcast channel to every connection, with the socket
//! tuned as ours is. No filters, no cursors, no resume, and nothing is stored.

use std::convert::Infallible;
use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::bench::clock::wall_us;

/// Where it publishes.
pub const PUBLISH_PATH: &str = "/publish";
/// Its WebSocket.
pub const SOCKET_PATH: &str = "/socket";
/// Its server-sent events.
pub const EVENTS_PATH: &str = "/events";
/// Messages that a connection may be behind before it loses some.
const BEHIND_MAX: usize = 1_024;
/// The same as ours.
const READ_BUFFER_BYTES: usize = 4_096;
/// Tells that whatever is published from now on arrives.
const HELLO: &str = "{\"cursor\":\"0\"}";

/// A request to publish.
#[derive(Debug, Serialize, Deserialize)]
pub struct Publishing {
    /// How many changes go together.
    pub changes: u64,
    /// How large each of them is.
    pub bytes: usize,
    /// The number of the first.
    pub first: u64,
}

/// What was published.
#[derive(Debug, Serialize, Deserialize)]
pub struct Published {
    /// When, in microseconds since 1970.
    pub at_us: i64,
}

type Channel = broadcast::Sender<Utf8Bytes>;

/// Its routes.
pub fn routes() -> Router {
    let channel = broadcast::Sender::<Utf8Bytes>::new(BEHIND_MAX);
    Router::new()
        .route(PUBLISH_PATH, post(publish))
        .route(SOCKET_PATH, get(socket))
        .route(EVENTS_PATH, get(events))
        .with_state(channel)
}

async fn publish(State(channel): State<Channel>, Json(wanted): Json<Publishing>) -> Json<Published> {
    let mut message = String::from("{\"set\":[");
    for number in wanted.first..wanted.first + wanted.changes {
        // Writing into a String cannot fail.
        let _ = write!(message, "{{\"seq\":{number},\"pad\":\"{:x<1$}\"}},", "", wanted.bytes);
    }
    message.push_str("{}]}");
    let at_us = wall_us();
    let _nobody_listens = channel.send(message.into());
    Json(Published { at_us })
}

async fn socket(State(channel): State<Channel>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.read_buffer_size(READ_BUFFER_BYTES).write_buffer_size(0).on_upgrade(|socket| carry(socket, channel))
}

async fn carry(mut socket: WebSocket, channel: Channel) {
    let mut receiver = channel.subscribe();
    let mut message = Utf8Bytes::from_static(HELLO);
    while socket.send(Message::Text(message)).await.is_ok() {
        let Some(next) = next(&mut receiver).await else { return };
        message = next;
    }
}

async fn next(receiver: &mut broadcast::Receiver<Utf8Bytes>) -> Option<Utf8Bytes> {
    loop {
        match receiver.recv().await {
            Ok(message) => return Some(message),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

async fn events(State(channel): State<Channel>) -> Response {
    let begin = (channel.subscribe(), Some(Utf8Bytes::from_static(HELLO)));
    let events = futures::stream::unfold(begin, |(mut receiver, first)| async {
        let message = match first {
            Some(first) => first,
            None => next(&mut receiver).await?,
        };
        let event = Bytes::from(format!("data: {message}\n\n"));
        Some((Ok::<_, Infallible>(event), (receiver, None)))
    });
    let mut response = Response::new(Body::from_stream(events));
    let kind = axum::http::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(axum::http::header::CONTENT_TYPE, kind);
    response
}
