//! A wire to a server: a TCP proxy that loses what the server says, holds what the client says, or goes dead without a
//! word, as half-open connections do.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Read at once: more than one message of those who look for a word in it.
const PIECE: usize = 64 << 10;

/// How the wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Everything passes.
    Whole,
    /// Nothing passes in either direction, and nobody is told; mended, what was held arrives.
    Dead,
    /// What the client says is held, mended it arrives late; what the server says passes.
    HoldsClient,
    /// What the server says is lost for good from the moment on at which the client has said this.
    LosesAnswersTo(&'static [u8]),
    /// What the server says is lost for good.
    LosesAnswers,
    /// Connections are cut, and whoever connects is hung up on.
    Broken,
}

/// A proxy whose wire can be changed; it ends when it is dropped.
pub struct WireTo {
    /// Where it listens: host and port.
    pub address: String,
    wire: Arc<watch::Sender<Wire>>,
    task: tokio::task::JoinHandle<()>,
}

impl WireTo {
    /// In front of `target` (host and port).
    pub async fn server(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let wire = Arc::new(watch::Sender::new(Wire::Whole));
        let (target, shared) = (target.to_owned(), Arc::clone(&wire));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, target.clone(), Arc::clone(&shared)));
            }
        });
        Self { address, wire, task }
    }

    /// From now on it is so.
    pub fn is(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }

    /// Waits until it has come to lose answers.
    pub async fn has_lost_answers(&self) {
        let lost = |wire: &Wire| *wire == Wire::LosesAnswers;
        let mut changes = self.wire.subscribe();
        let waited = tokio::time::timeout(super::wait::PATIENCE, changes.wait_for(lost)).await;
        assert!(matches!(waited, Ok(Ok(_))), "the client never said it");
    }
}

impl Drop for WireTo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, target: String, wire: Arc<watch::Sender<Wire>>) {
    let mut changes = wire.subscribe();
    if *changes.borrow() == Wire::Broken {
        return;
    }
    let Ok(server) = TcpStream::connect(&*target).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a connection");
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = ask(from_client, to_server, &wire) => {}
        () = answer(from_server, to_client, wire.subscribe()) => {}
        _ = changes.wait_for(|wire| *wire == Wire::Broken) => {}
    }
}

/// What the client says.
async fn ask(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, wire: &watch::Sender<Wire>) {
    let mut changes = wire.subscribe();
    let mut piece = vec![0; PIECE];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let passes = |wire: &Wire| !matches!(wire, Wire::Dead | Wire::HoldsClient);
        if changes.wait_for(passes).await.is_err() {
            return;
        }
        let said = &piece[..length];
        // Before it is passed on: the answer may be quick.
        wire.send_if_modified(|wire| match *wire {
            Wire::LosesAnswersTo(word) if said.windows(word.len()).any(|window| window == word) => {
                *wire = Wire::LosesAnswers;
                true
            }
            _ => false,
        });
        if to.write_all(said).await.is_err() {
            return;
        }
    }
}

/// What the server says.
async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut wire: watch::Receiver<Wire>) {
    let mut piece = vec![0; PIECE];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let Ok(now) = wire.wait_for(|wire| *wire != Wire::Dead).await.map(|wire| *wire) else { return };
        if now != Wire::LosesAnswers && to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}
