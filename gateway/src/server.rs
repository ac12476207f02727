//! The accept loop: connections with limits on their number and on everybody's patience.
//!
//! axum's own `serve` sets no timer, so nothing would end a client that sends its head one byte at a time.

mod crowd;
mod patience;
pub mod tls;

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request, response::Response};
use futures::StreamExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use crate::auth::proxies::Peer;
use crowd::Crowd;
use patience::{Pace, Patient};

/// Connections in all: at about 20 KB each, 320 MB.
const CONNECTIONS_MAX: usize = 16_384;
/// Largest head of a request.
const HEAD_MAX_BYTES: usize = 32 * 1_024;
/// Headers in it.
const HEADERS_MAX: usize = 100;
/// Time for a TLS handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Pause when the system cannot give another socket.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What the system may hold of an answer that the client has not taken; it doubles the number. By itself it would take
/// some megabytes for each: of old states, for a viewer that reads slowly, and of memory, for one that does not read.
const SEND_BUFFER_BYTES: u32 = 128 * 1_024;
/// Connections that may wait to be accepted: a plant that comes back at once.
const BACKLOG: u32 = 1_024;

/// Listens.
///
/// # Errors
/// The address cannot be listened on.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // What is accepted has it from here.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts and serves connections.
pub struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: CancellationToken,
}

impl Server {
    /// Serves `router` on `listener` until `stop`.
    #[must_use]
    pub const fn new(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, stop: CancellationToken) -> Self {
        Self { listener, tls, router, stop }
    }

    /// Runs until stopped, and until every connection has ended: requests in flight are answered.
    pub async fn run(self) {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let crowd = Crowd::default();
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => break,
                accepted = accept(&self.listener, &room) => accepted,
            };
            let Some((stream, address, permit)) = accepted else {
                sleep(ACCEPT_AGAIN).await;
                continue;
            };
            // One address with too many connections loses the newest.
            let Some(place) = crowd.enter(address.ip()) else { continue };
            let connection =
                Connection { tls: self.tls.clone(), router: self.router.clone(), stop: self.stop.clone(), address };
            connections.spawn(async move {
                connection.serve(stream).await;
                drop((place, permit));
            });
        }
        // The port is free for a successor while the last requests are answered.
        drop(self.listener);
        connections.close();
        connections.wait().await;
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            metrics::counter!("andon_gateway_connections_total").increment(1);
            Some((stream, address, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            None
        }
    }
}

struct Connection {
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: CancellationToken,
    address: SocketAddr,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        // Small answers must not wait for more to send.
        let _ = stream.set_nodelay(true);
        match self.tls.clone() {
            None => self.speak(stream, false).await,
            Some(tls) => match Box::pin(timeout(HANDSHAKE_WITHIN, tls.accept(stream))).await {
                // Boxed: who comes without TLS must not have room for it.
                Ok(Ok(stream)) => Box::pin(self.speak(stream, true)).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            },
        }
    }

    async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, tls: bool) {
        let pace = Arc::new(Pace::default());
        let peer = Peer { address: self.address.ip(), tls };
        let (router, of_service) = (self.router, Arc::clone(&pace));
        let service = service_fn(move |request: http::Request<Incoming>| {
            answer(router.clone(), request, peer, Arc::clone(&of_service))
        });
        let mut builder = http1::Builder::new();
        // The stream itself has the patience: hyper's one timer would serve both a slow head and an idle connection.
        builder.header_read_timeout(None).max_header_size(HEAD_MAX_BYTES).max_headers(HEADERS_MAX);
        let io = TokioIo::new(Patient::new(stream, pace));
        let mut connection = pin!(builder.serve_connection(io, service).with_upgrades());
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended badly");
        }
    }
}

/// Marks an answer that goes on for as long as the client wants: it is not the connection's idle time.
#[derive(Clone, Copy, Debug)]
pub struct Streaming;

async fn answer(
    mut router: Router,
    request: http::Request<Incoming>,
    peer: Peer,
    pace: Arc<Pace>,
) -> Result<Response, Infallible> {
    pace.request_begins();
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    let response = router.call(request).await?;
    if response.status().is_informational() {
        // A WebSocket from here on.
        pace.streams();
    } else if response.extensions().get::<Streaming>().is_some() {
        pace.streams();
        return Ok(response.map(|body| until_its_end(body, pace)));
    } else {
        pace.request_ends();
    }
    Ok(response)
}

/// The connection is idle again when the last of this body has gone.
fn until_its_end(body: Body, pace: Arc<Pace>) -> Body {
    struct End(Arc<Pace>);
    impl Drop for End {
        fn drop(&mut self) {
            self.0.request_ends();
        }
    }
    let end = End(pace);
    Body::from_stream(body.into_data_stream().inspect(move |_| {
        // Held until the stream is dropped.
        let _ = &end;
    }))
}

#[cfg(test)]
#[path = "server/tests.rs"]
mod tests;
