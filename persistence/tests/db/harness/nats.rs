//! The real nats-server of one test, with Andon's streams.

use std::{path::PathBuf, time::Duration};

use andon_nats::{Bus, HeaderMap, NatsConfig, publish::Expect, publish::Publish, streams, testing::free_port};
use bus_schemas::{SessionEvent, codec, subject};
use tempfile::TempDir;

use super::guarded::Guarded;

/// A running nats-server.
pub struct Nats {
    server: Option<Guarded>,
    directory: TempDir,
    port: u16,
}

impl Nats {
    /// A new one with empty streams.
    pub async fn new() -> Self {
        let directory = TempDir::with_prefix("andon-nats-").expect("a temporary directory");
        let mut nats = Self { server: None, directory, port: free_port() };
        nats.start();
        let bus = nats.bus().await;
        streams::ensure(&bus, &nats.config()).await.expect("the streams are made");
        nats
    }

    /// Starts it (again).
    pub fn start(&mut self) {
        let server = super::guarded::tools().join("bin/nats-server").display().to_string();
        let (port, store) = (self.port.to_string(), self.store().display().to_string());
        let line = [&server, "-js", "-a", "127.0.0.1", "-p", &port, "-sd", &store].map(str::to_owned);
        self.server = Some(Guarded::spawn("KILL", None, &line));
    }

    /// Kills it.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Where it keeps its streams.
    pub fn store(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    /// How to reach it.
    pub fn config(&self) -> NatsConfig {
        NatsConfig {
            url: format!("nats://127.0.0.1:{}", self.port),
            user: None,
            password: None,
            ca: None,
            monitor_url: None,
            unchecked_log: true,
            replicas: 1,
            log_max_bytes: Some(64 << 20),
        }
    }

    /// A connection, as soon as JetStream answers.
    pub async fn bus(&self) -> Bus {
        let deadline = tokio::time::Instant::now() + super::PATIENCE;
        loop {
            if let Ok(bus) = Bus::connect(&self.config(), "test").await {
                let ready = bus.api::<serde_json::Value>("INFO", &serde_json::Value::Null, Duration::from_secs(1));
                if ready.await.is_ok() {
                    return bus;
                }
            }
            assert!(tokio::time::Instant::now() < deadline, "nats-server does not start");
            tokio::time::sleep(super::POLL).await;
        }
    }
}

/// Stores a message, and returns its sequence.
pub async fn store(bus: &Bus, stream: &'static str, subject: String, headers: HeaderMap, payload: Vec<u8>) -> u64 {
    let publish = Publish { stream, subject, headers, payload: payload.into(), expect: Expect::Anything };
    bus.publish(&publish, Duration::from_secs(5)).await.expect("it is stored").seq
}

/// Stores an event on the log, and returns its sequence.
pub async fn store_event(bus: &Bus, event: &SessionEvent) -> u64 {
    let mut headers = HeaderMap::new();
    headers.insert(subject::HEADER_SCHEMA, codec::SCHEMA);
    let subject = subject::session(event.state.session.worker_id);
    let payload = codec::encode(event).expect("it encodes");
    store(bus, subject::STREAM_LOG, subject, headers, payload).await
}
