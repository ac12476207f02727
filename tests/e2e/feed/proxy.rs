//! A TCP proxy that cuts, delays and holds back: the network between a viewer and the gateway.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the network does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weather {
    /// Connections of an earlier count are cut.
    cuts: u64,
    /// Added to every piece.
    delay: Duration,
    /// Nothing passes.
    held: bool,
}

/// The proxy; it ends when it is dropped.
pub struct Proxy {
    /// Where it listens: host and port.
    pub address: String,
    weather: watch::Sender<Weather>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// In front of `target` (host and port).
    pub async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let weather = watch::Sender::new(Weather::default());
        let (target, sender) = (Arc::<str>::from(target), weather.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, Arc::clone(&target), sender.subscribe()));
            }
        });
        Self { address, weather, task }
    }

    /// Cuts every connection; new ones pass.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Delays every piece by so much.
    pub fn delay(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// Lets nothing pass; or all that has collected.
    pub fn hold(&self, held: bool) {
        self.weather.send_modify(|weather| weather.held = held);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, target: Arc<str>, weather: watch::Receiver<Weather>) {
    let Ok(server) = TcpStream::connect(&*target).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let mut cut = weather.clone();
    let cuts = cut.borrow().cuts;
    tokio::select! {
        () = pass(from_client, to_server, weather.clone()) => {}
        () = pass(from_server, to_client, weather) => {}
        _ = cut.wait_for(|weather| weather.cuts != cuts) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>) {
    let mut piece = vec![0; 4_096];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let Ok(delay) = weather.wait_for(|weather| !weather.held).await.map(|weather| weather.delay) else { return };
        tokio::time::sleep(delay).await;
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}
