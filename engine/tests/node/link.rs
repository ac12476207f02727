//! The way from a node to its server, which can be cut.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Forwards to a port of this machine, unless it is cut.
pub struct Link {
    port: u16,
    cut: watch::Sender<bool>,
}

impl Link {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = Self { port: listener.local_addr().unwrap().port(), cut: watch::channel(false).0 };
        let mut cut = link.cut.subscribe();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut_then = cut.clone();
                if *cut.borrow_and_update() {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    // Both connections break with it; also when the link is gone, at the end of the test.
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut_then.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        link
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Breaks every connection, and lets none through until it is whole again.
    pub fn cut(&self, cut: bool) {
        self.cut.send_replace(cut);
    }
}
