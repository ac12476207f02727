//! Boots the real thing for a test and takes it down again, exactly what it started, whatever the test does.
//!
//! ```ignore
//! let andon = Andon::up().await;                    // ready: commands are served
//! let mut worker = andon.worker("1001").await;      // signed in
//! worker.open(&station, "J-1").await.ok();
//! ```

mod client;
mod clock;
mod cluster;
pub mod https;
mod place;
mod process;
mod raw_socket;
mod span;
mod trace;
mod wait;
mod ways;
mod wire;

pub use client::{Answer, Client, Worker};
pub use clock::{now_us, us};
pub use cluster::Cluster;
pub use place::{ADMIN_PASSWORD, Place, psql, sql, tools};
pub use process::{Process, Signal, at_home_in, send, with_children};
pub use raw_socket::{RawSocket, client_frame, handshake};
pub use span::span;
pub use trace::Trace;
pub use wait::{BUSY, PATIENCE, until, until_some, until_within};
pub use ways::Ways;
pub use wire::{Wire, WireTo};

/// A running `andon up` in a place of its own.
pub struct Andon {
    /// Declared first, so that it ends before its files go.
    pub process: Process,
    /// Its files, ports and settings.
    pub place: Place,
    arguments: &'static [&'static str],
}

impl Andon {
    /// Starts `andon up` with the harness' defaults, without any record in the directory, and waits until it is ready.
    pub async fn up() -> Self {
        Self::start(Place::new(), &["up"]).await
    }

    /// The same with the demo factory.
    pub async fn demo() -> Self {
        Self::start(Place::new(), &["up", "--demo"]).await
    }

    /// Starts `andon` with these arguments in `place` and waits until it is ready.
    pub async fn start(place: Place, arguments: &'static [&'static str]) -> Self {
        let mut process = place.spawn(arguments);
        process.ready().await;
        Self { process, place, arguments }
    }

    /// Starts it again in the same place, after it has ended, and waits until it is ready.
    pub async fn again(&mut self) {
        self.process = self.place.spawn(self.arguments);
        self.process.ready().await;
    }

    /// A second gateway beside `andon up`, on the same servers and with the same key. It ends when it is dropped.
    pub async fn gateway_beside(&self) -> Self {
        let own = &self.place;
        let nats = own.nats_config("gateway");
        let (user, password) = (nats.user.expect("a user"), nats.password.expect("a password"));
        let place = Place::new()
            .set("nats_url", &nats.url.replace("nats://", &format!("nats://{user}:{password}@")))
            .set("unsafe_unchecked_log", "true")
            .set("database_url", &own.postgres_url())
            .set("idle_timeout", "1h")
            .set("secret_file", &own.data_dir().join("token.key").display().to_string());
        Self::start(place, &["gateway"]).await
    }

    /// What the process measures.
    pub async fn metrics(&self) -> String {
        // The last one: its log is that of all its starts.
        let log = self.process.log();
        let (_, rest) = log.rsplit_once("metrics on ").expect("it is logged where the metrics are");
        let url = rest.split_whitespace().next().expect("an address");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        client.get(url).send().await.expect("an answer").text().await.expect("text")
    }

    /// What the process has in memory, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
        line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
    }

    /// A client without a login.
    pub fn client(&self) -> Client {
        Client::new(self.place.http_url())
    }

    /// A worker who has signed in.
    pub async fn worker(&self, code: &str) -> Worker {
        Worker::login(self.client(), code).await
    }
}
