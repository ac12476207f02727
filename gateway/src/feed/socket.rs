//! The feed on a WebSocket.

use std::time::Duration;

use axum::{
    extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    response::Response,
};
use futures::FutureExt;
use http::{HeaderMap, header};
use tokio::time::{Instant, timeout};

use super::{
    connection::Connection,
    frame::{Bye, Frame, PROTOCOL},
    limits::{CLIENT_MESSAGE_MAX_BYTES, FRAME_MAX_BYTES},
    step::Step,
};

/// What is read at once: the default of 128 KiB would be touched by every connection.
const READ_BUFFER_BYTES: usize = 4_096;
/// A frame that is not yet taken, and its head. More never waits: the next step is asked for when it has gone.
const WRITE_BUFFER_BYTES: usize = FRAME_MAX_BYTES + 1_024;
/// Time for the farewell: of the last frame, and for the client to close.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);
/// A frame that took this long has met a client that reads slowly, but reads.
const SLOW: Duration = Duration::from_secs(1);

/// Sets every limit of a WebSocket.
pub fn limited(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(CLIENT_MESSAGE_MAX_BYTES)
        .max_frame_size(CLIENT_MESSAGE_MAX_BYTES)
}

/// Whether a client that names protocols names this one; one that names none is taken to mean it.
#[must_use]
pub fn speaks(headers: &HeaderMap, protocol: &str) -> bool {
    let named = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut names = named.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    !headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) || names.any(|name| name.trim() == protocol)
}

/// Upgrades the connection and serves it.
pub fn upgrade(upgrade: WebSocketUpgrade, mut connection: Connection, speaks: bool) -> Response {
    if !speaks {
        connection.end(Bye::Version);
    }
    let sockets = connection.sockets();
    limited(upgrade)
        .protocols([PROTOCOL])
        .on_upgrade(move |socket| async move { sockets.track_future(serve(socket, connection)).await })
}

/// Serves it until one of both ends it.
async fn serve(mut socket: WebSocket, mut connection: Connection) {
    loop {
        // One message before each step: a client that is always being sent something is heard as well.
        if let Some(said) = socket.recv().now_or_never()
            && !hear(&mut connection, said)
        {
            return;
        }
        match connection.step() {
            Step::Send(frame) => {
                let started = Instant::now();
                if socket.send(Message::text(frame.json)).await.is_err() {
                    // Gone, or without taking a byte for too long.
                    return;
                }
                if started.elapsed() >= SLOW {
                    connection.heard();
                }
            }
            Step::End(frame) => return farewell(socket, frame).await,
            Step::Wait { until, or_change } => {
                let said = tokio::select! {
                    said = socket.recv() => said,
                    () = connection.wait(until, or_change) => continue,
                };
                if !hear(&mut connection, said) {
                    return;
                }
            }
        }
    }
}

/// Whether the client is still there.
fn hear(connection: &mut Connection, said: Option<Result<Message, axum::Error>>) -> bool {
    match said {
        Some(Ok(Message::Text(text))) => {
            if connection.hear(&text).is_some() {
                connection.refuse_unknown();
            }
        }
        Some(Ok(Message::Binary(_))) => connection.end(Bye::BadRequest),
        // Answered by the library.
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => connection.heard(),
        Some(Ok(Message::Close(_)) | Err(_)) | None => return false,
    }
    true
}

/// Says why it ends, as a frame and as the close code, and waits a little for the client to have read it.
pub async fn farewell(mut socket: WebSocket, frame: Frame) {
    let close = CloseFrame { code: frame.code.unwrap_or_default(), reason: frame.kind.into() };
    let said = async {
        socket.send(Message::text(frame.json)).await?;
        socket.send(Message::Close(Some(close))).await?;
        while let Some(Ok(_)) = socket.recv().await {}
        Ok::<_, axum::Error>(())
    };
    let _ = timeout(FAREWELL_WITHIN, said).await;
}
