//! The feed on a WebSocket.

use std::{io, time::Duration};

use axum::response::Response;
use futures::FutureExt;
use http::{HeaderMap, header};
use tokio::time::{Instant, timeout};

use super::{
    connection::Connection,
    frame::{Bye, Frame, PROTOCOL},
    limits::{CLIENT_MESSAGE_MAX_BYTES, RETRY},
    step::Step,
};
use crate::{
    telemetry,
    websocket::{Ended, Said, Upgrade, WebSocket},
};

/// The close code of an end that both want.
const NORMAL: u16 = 1000;
/// Time for the last frame.
const LAST_WITHIN: Duration = Duration::from_secs(1);
/// A frame that took this long has met a client that reads slowly, but reads.
const SLOW: Duration = Duration::from_secs(1);

/// What a client that names protocols is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tongue {
    /// The protocol, when it names ours: a client that names none must not be told one.
    pub named: Option<&'static str>,
    /// Whether it speaks ours; one that names none is taken to mean it.
    pub ours: bool,
}

impl Tongue {
    /// Of a handshake.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let named = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
        let mut names = named.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let ours = names.any(|name| name.trim() == PROTOCOL);
        let named_none = !headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL);
        Self { named: ours.then_some(PROTOCOL), ours: ours || named_none }
    }
}

/// Upgrades the connection and serves it.
pub fn upgrade(upgrade: Upgrade, mut connection: Connection, tongue: Tongue) -> Response {
    if !tongue.ours {
        connection.end(Bye::Version);
    }
    let sockets = connection.sockets();
    upgrade.serve(tongue.named, CLIENT_MESSAGE_MAX_BYTES, move |socket| sockets.track_future(serve(socket, connection)))
}

/// Serves it until one of both ends it.
async fn serve(mut socket: WebSocket, mut connection: Connection) {
    loop {
        // One message before each step: a client that is always being sent something is heard as well.
        if let Some(said) = socket.recv().now_or_never()
            && let Err(ended) = hear(&mut connection, said)
        {
            return Box::pin(end(socket, ended)).await;
        }
        match connection.step() {
            Step::Send(frame) => {
                let started = Instant::now();
                if let Err(error) = socket.send(&frame.json).await {
                    return unsent(&error);
                }
                if started.elapsed() >= SLOW {
                    connection.heard();
                }
            }
            // Boxed, like each end: the task that waits for hours must not have room for it.
            Step::End(frame) => return Box::pin(farewell(socket, frame)).await,
            Step::Wait { until, or_change } => {
                let said = tokio::select! {
                    said = socket.recv() => said,
                    () = connection.wait(until, or_change) => continue,
                };
                if let Err(ended) = hear(&mut connection, said) {
                    return Box::pin(end(socket, ended)).await;
                }
            }
        }
    }
}

/// A frame did not go out: the client is gone, or has not taken a byte for so long that it is given up. There is no way
/// to tell it.
pub fn unsent(error: &io::Error) {
    if error.kind() == io::ErrorKind::TimedOut {
        telemetry::feed_ended(Bye::Stalled(RETRY).code());
    }
}

/// Takes what the client said.
fn hear(connection: &mut Connection, said: Result<Said, Ended>) -> Result<(), Over> {
    match said? {
        Said::Text(text) => {
            if connection.hear(&text).is_some() {
                connection.refuse_unknown();
            }
        }
        Said::Binary => connection.end(Bye::BadRequest),
        Said::Sign => connection.sign(),
        Said::Close => return Err(Over::Closed),
    }
    Ok(())
}

/// Why a client is not heard any more.
pub enum Over {
    /// It has said so.
    Closed,
    /// It has gone, or does not keep to the protocol.
    Ended(Ended),
}

impl From<Ended> for Over {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

/// Ends a socket whose client is not heard any more.
pub async fn end(socket: WebSocket, over: Over) {
    match over {
        Over::Closed => socket.close(NORMAL, "").await,
        Over::Ended(Ended::Violated(violation)) => socket.close(violation.code(), &violation.to_string()).await,
        Over::Ended(Ended::Gone) => {}
    }
}

/// Says why it ends, as a frame and as the close code, and waits a little for the client to have read it.
pub async fn farewell(mut socket: WebSocket, frame: Frame) {
    let said = timeout(LAST_WITHIN, socket.send(&frame.json)).await;
    if let Ok(Ok(())) = said {
        socket.close(frame.code.unwrap_or(NORMAL), frame.kind).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_waits_is_small() {
        // With its socket in the system, its timers and its place in the runtime it is to stay below 8 KB.
        fn bytes<F>(_: impl Fn(WebSocket, Connection) -> F) -> usize {
            size_of::<F>()
        }
        assert!(bytes(serve) <= 1_792, "{} bytes", bytes(serve));
    }
}
