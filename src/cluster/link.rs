//! A link: a TCP proxy between two processes of the cluster, which can be cut. Cut, nothing passes and nobody is told, as
//! with a cable that was pulled; healed, what was on its way arrives.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Read at once: what a loopback connection gives at most.
const PIECE: usize = 64 << 10;

/// A link; it ends when it is dropped.
pub struct Link {
    /// Who connects.
    pub from: String,
    /// To whom.
    pub to: String,
    port: u16,
    cut: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Link {
    /// From `from` to `to`, which listens on this port of the loopback address.
    ///
    /// # Errors
    /// No port is free.
    pub async fn new(from: &str, to: &str, target: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port for a link")?;
        let port = listener.local_addr()?.port();
        let cut = watch::Sender::new(false);
        let task = tokio::spawn(accept(listener, target, cut.subscribe()));
        Ok(Self { from: from.to_owned(), to: to.to_owned(), port, cut, task })
    }

    /// Where `from` connects.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it joins these two, in either direction; or whether this one is an end of it.
    pub fn joins(&self, one: &str, other: Option<&str>) -> bool {
        let is_end = |name: &str| self.from == name || self.to == name;
        is_end(one) && other.is_none_or(is_end)
    }

    /// Lets nothing pass; or everything, and what was held first.
    pub fn cut(&self, cut: bool) {
        self.cut.send_replace(cut);
    }

    /// Whether it is cut.
    pub fn is_cut(&self) -> bool {
        *self.cut.borrow()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: u16, cut: watch::Receiver<bool>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => drop(tokio::spawn(carry(client, target, cut.clone()))),
            // Out of file handles: those of connections that end come back.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn carry(client: TcpStream, target: u16, mut cut: watch::Receiver<bool>) {
    if cut.wait_for(|cut| !cut).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, target))).await else { return };
    for stream in [&client, &server] {
        // Slower at worst.
        let _unsupported = stream.set_nodelay(true);
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(pass(from_client, to_server, cut.clone()), pass(from_server, to_client, cut));
}

/// One direction, until its source ends or the link does.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut cut: watch::Receiver<bool>) {
    let mut piece = vec![0; PIECE];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if cut.wait_for(|cut| !cut).await.is_err() || to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
    // The end of a connection passes no cut link either.
    if cut.wait_for(|cut| !cut).await.is_ok() {
        let _gone_already = to.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Nothing is told of a cut: silence for this long stands for it.
    const SILENCE: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn nothing_passes_a_cut_link_and_what_was_held_arrives_when_it_is_healed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = listener.local_addr().expect("an address").port();
        let link = Link::new("a", "b", target).await.expect("a link");
        let mut client = TcpStream::connect(("127.0.0.1", link.port())).await.expect("it listens");
        client.write_all(b"one").await.expect("written");
        let (mut server, _) = listener.accept().await.expect("it is carried");
        let mut heard = [0; 3];
        server.read_exact(&mut heard).await.expect("it passes");

        link.cut(true);
        client.write_all(b"two").await.expect("nobody is told");
        tokio::time::timeout(SILENCE, server.read(&mut heard)).await.expect_err("nothing passes");

        link.cut(false);
        server.read_exact(&mut heard).await.expect("it arrives");
        assert_eq!(&heard, b"two");
    }

    #[tokio::test]
    async fn a_link_is_known_by_its_ends() {
        let link = Link::new("engine-1", "nats-2", 1).await.expect("a link");
        assert!(link.joins("engine-1", None) && link.joins("nats-2", Some("engine-1")));
        assert!(!link.joins("engine-2", None) && !link.joins("engine-1", Some("nats-1")));
    }
}
