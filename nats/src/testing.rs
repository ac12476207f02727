//! A real nats-server for tests: on free ports of the loopback, in a folder of its own, ended on drop by its own id.

#![expect(clippy::expect_used, reason = "a test that has no server cannot go on")]

use std::{
    collections::BTreeSet,
    net::TcpListener,
    ops::Range,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rand::Rng as _;
use tempfile::TempDir;

use crate::{Bus, NatsConfig, server, streams};

/// Time for the server to answer after its start, also on a machine busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(60);
/// Below the range from which the kernel gives ports to outgoing connections, so that none of those takes one while
/// its server is down.
const PORTS: Range<u16> = 12_000..32_000;

/// What a test may want otherwise than in production.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `sync_interval: always`.
    pub sync_always: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { sync_always: true }
    }
}

/// A running nats-server.
pub struct TestServer {
    dir: TempDir,
    port: u16,
    monitor: u16,
    child: Child,
}

impl TestServer {
    /// Starts one and waits until it is healthy.
    ///
    /// # Panics
    /// The binary is missing (`./test` installs it) or does not start: a test cannot go on then.
    pub async fn start(settings: Settings) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let (port, monitor) = (free_port(), free_port());
        let sync = if settings.sync_always { "always" } else { "2m" };
        let config = format!(
            "listen: 127.0.0.1:{port}\nhttp: 127.0.0.1:{monitor}\nmax_payload: 8MB\n\
             jetstream {{ store_dir: {:?}, sync_interval: {sync}, max_file_store: 4GB }}\n",
            dir.path().join("store")
        );
        std::fs::write(dir.path().join("server.conf"), config).expect("the configuration is written");
        let child = spawn(&dir);
        let server = Self { dir, port, monitor, child };
        server.wait().await;
        server
    }

    /// How to reach it.
    #[must_use]
    pub fn config(&self) -> NatsConfig {
        NatsConfig {
            url: format!("nats://127.0.0.1:{}", self.port),
            user: None,
            password: None,
            ca: None,
            monitor_url: Some(self.monitor_url()),
            unchecked_log: false,
            replicas: 1,
            log_max_bytes: Some(1 << 30),
        }
    }

    /// Where it listens, on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its monitor.
    #[must_use]
    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it keeps its streams.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// A connection to it, with the streams made.
    ///
    /// # Panics
    /// The server does not answer.
    pub async fn bus(&self, role: &str) -> Bus {
        let bus = Bus::connect(&self.config(), role).await.expect("a connection");
        streams::ensure(&bus, &self.config()).await.expect("the streams");
        bus
    }

    /// Sends a signal to its process: `STOP`, `CONT`, `KILL` ….
    ///
    /// # Panics
    /// There is no `kill` on this machine.
    pub fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &pid]).status().expect("kill runs");
        assert!(sent.success(), "signal {signal} reached nats-server {pid}");
    }

    /// Kills it (SIGKILL); its folder stays.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same ports and folder.
    pub async fn restart(&mut self) {
        self.kill();
        self.child = spawn(&self.dir);
        self.wait().await;
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }

    async fn wait(&self) {
        let until = Instant::now() + START_WITHIN;
        while server::health(&self.monitor_url()).await.is_err() {
            assert!(Instant::now() < until, "nats-server is not healthy within {START_WITHIN:?}:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // A stopped process does not die of SIGTERM; it is ours, by its id.
        self.kill();
    }
}

fn spawn(dir: &TempDir) -> Child {
    let log =
        std::fs::File::options().create(true).append(true).open(dir.path().join("server.log")).expect("a log file");
    Command::new(binary())
        .arg("-c")
        .arg(dir.path().join("server.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("nats-server starts: `./test` installs it")
}

fn binary() -> PathBuf {
    std::env::var_os("ANDON_NATS_SERVER").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.andon/tools/bin/nats-server")),
        PathBuf::from,
    )
}

/// A free port of the loopback, never the same twice in this process.
///
/// # Panics
/// Twenty thousand ports are taken.
#[must_use]
pub fn free_port() -> u16 {
    /// Nobody listens there yet, or not just now.
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock();
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok() && given.insert(*port);
    std::iter::repeat_with(|| rand::rng().random_range(PORTS)).take(1_000).find(free).expect("a free port")
}
