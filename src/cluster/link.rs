//! A link: a TCP proxy between two processes of the cluster, which can be cut and slowed down. Cut, nothing passes and
//! nobody is told, as with a cable that was pulled; healed, what was on its way arrives. Slowed down, everything arrives
//! later by so much, in order, as over a long way: its rate stays.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// Read at once: what a loopback connection gives at most.
const PIECE: usize = 64 << 10;
/// Pieces on their way over a slow link: beyond them it is full, and its sender waits.
const ON_THEIR_WAY: usize = 64;

/// How a link is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Weather {
    /// Nothing passes.
    cut: bool,
    /// Everything takes so much longer, each way.
    delay: Duration,
}

/// A link; it ends when it is dropped.
pub struct Link {
    /// Who connects.
    pub from: String,
    /// To whom.
    pub to: String,
    port: u16,
    weather: watch::Sender<Weather>,
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
        let weather = watch::Sender::default();
        let task = tokio::spawn(accept(listener, target, weather.subscribe()));
        Ok(Self { from: from.to_owned(), to: to.to_owned(), port, weather, task })
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

    /// Lets nothing pass.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cut = true);
    }

    /// Slows it down by so much each way, or no more when it is zero.
    pub fn delay(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// Lets everything pass at once, and what was held first.
    pub fn heal(&self) {
        self.weather.send_replace(Weather::default());
    }

    /// What is wrong with it, in words.
    pub fn trouble(&self) -> Option<String> {
        let Weather { cut, delay } = *self.weather.borrow();
        match (cut, delay.is_zero()) {
            (true, _) => Some("cut".to_owned()),
            (false, false) => Some(format!("slower by {} ms", delay.as_millis())),
            (false, true) => None,
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: u16, weather: watch::Receiver<Weather>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => drop(tokio::spawn(carry(client, target, weather.clone()))),
            // Out of file handles: those of connections that end come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Waits until the link is whole; false when it is no more.
async fn whole(weather: &mut watch::Receiver<Weather>) -> bool {
    weather.wait_for(|weather| !weather.cut).await.is_ok()
}

async fn carry(client: TcpStream, target: u16, mut weather: watch::Receiver<Weather>) {
    if !whole(&mut weather).await {
        return;
    }
    let Ok(server) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, target))).await else { return };
    for stream in [&client, &server] {
        // Slower at worst.
        let _unsupported = stream.set_nodelay(true);
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(pass(from_client, to_server, weather.clone()), pass(from_server, to_client, weather));
}

/// One direction, until its source ends or the link does.
async fn pass(from: OwnedReadHalf, to: OwnedWriteHalf, weather: watch::Receiver<Weather>) {
    let (sender, pieces) = mpsc::channel(ON_THEIR_WAY);
    tokio::join!(depart(from, sender, weather.clone()), arrive(pieces, to, weather));
}

/// A piece, and when it is to arrive.
type Piece = (Instant, Vec<u8>);

async fn depart(mut from: OwnedReadHalf, pieces: mpsc::Sender<Piece>, weather: watch::Receiver<Weather>) {
    let mut piece = vec![0; PIECE];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let due = Instant::now() + weather.borrow().delay;
        let Some(read) = piece.get(..length) else { return };
        if pieces.send((due, read.to_vec())).await.is_err() {
            return;
        }
    }
}

async fn arrive(mut pieces: mpsc::Receiver<Piece>, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>) {
    while let Some((due, piece)) = pieces.recv().await {
        tokio::select! {
            () = sleep_until(due) => {}
            // Once healed, nothing is held back any longer.
            _ = weather.wait_for(|weather| weather.delay.is_zero()) => {}
        }
        if !whole(&mut weather).await || to.write_all(&piece).await.is_err() {
            return;
        }
    }
    // The end of a connection passes no cut link either.
    if whole(&mut weather).await {
        let _gone_already = to.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
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

        link.cut();
        client.write_all(b"two").await.expect("nobody is told");
        tokio::time::timeout(SILENCE, server.read(&mut heard)).await.expect_err("nothing passes");

        link.heal();
        server.read_exact(&mut heard).await.expect("it arrives");
        assert_eq!(&heard, b"two");
    }

    #[tokio::test]
    async fn a_slow_link_brings_everything_later_and_in_order_and_nothing_is_held_when_it_is_healed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let link = Link::new("a", "b", listener.local_addr().expect("an address").port()).await.expect("a link");
        let mut client = TcpStream::connect(("127.0.0.1", link.port())).await.expect("it listens");
        let (mut server, _) = listener.accept().await.expect("it is carried");
        let mut heard = [0; 3];

        link.delay(SILENCE);
        let sent = Instant::now();
        client.write_all(b"one").await.expect("written");
        server.read_exact(&mut heard).await.expect("it arrives");
        assert!(sent.elapsed() >= SILENCE && &heard == b"one", "{:?}", sent.elapsed());
        assert_eq!(link.trouble().as_deref(), Some("slower by 100 ms"));

        link.delay(Duration::from_secs(3_600));
        client.write_all(b"two").await.expect("written");
        tokio::time::timeout(SILENCE, server.read(&mut heard)).await.expect_err("it is on its way");
        link.heal();
        server.read_exact(&mut heard).await.expect("it arrives");
        assert_eq!((&heard, link.trouble()), (b"two", None));
    }

    #[tokio::test]
    async fn a_link_is_known_by_its_ends() {
        let link = Link::new("engine-1", "nats-2", 1).await.expect("a link");
        assert!(link.joins("engine-1", None) && link.joins("nats-2", Some("engine-1")));
        assert!(!link.joins("engine-2", None) && !link.joins("engine-1", Some("nats-1")));
    }
}
