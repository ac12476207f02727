//! A factory hall without anybody in it, and what must hold after every attack on it.

use std::time::Duration;

use andon_nats::Bus;
use bus_schemas::subject::{SESSIONS, STREAM_DIRECTORY, STREAM_LOG};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{ADMIN_PASSWORD, Andon, Answer, Client, Place, Worker, until_some};
use crate::survival::floor;

/// Time for one look at a stream.
const WITHIN: Duration = Duration::from_secs(5);

/// A running system with the demo factory, whose sessions stay open as long as a test lasts.
pub struct Hall {
    /// The system.
    pub andon: Andon,
    bus: Bus,
}

impl Hall {
    /// Opens one.
    pub async fn open() -> Self {
        Self::open_in(Place::new()).await
    }

    /// The same in a place with settings of its own.
    pub async fn open_in(place: Place) -> Self {
        let hall = Self::open_without_workers(place).await;
        hall.andon.client().until_known("1001").await;
        hall
    }

    /// The same, for settings with which workers cannot just sign in.
    pub async fn open_without_workers(place: Place) -> Self {
        let andon = Andon::start(place.set("idle_timeout", "1h"), &["up"]).await;
        let file = andon.place.directory().join("factory.toml");
        std::fs::write(file, gateway::demo_factory()).expect("written");
        let output = andon.place.command(&["admin", "import", "factory.toml"]).output().expect("andon starts");
        assert!(output.status.success(), "{output:?}");
        let bus = Bus::connect(&andon.place.nats_config("gateway"), "gateway").await.expect("nats-server answers");
        Self { andon, bus }
    }

    /// The first account, signed in: it lives in Postgres, which nobody waits for.
    pub async fn admin(&self) -> Client {
        let body = until_some("the admin can sign in", async || {
            let answer = sign_in(&self.andon.client(), "admin", ADMIN_PASSWORD).await;
            (answer.status == 200).then_some(answer.body)
        })
        .await;
        self.andon.client().with_token(text(&body["token"]))
    }

    /// An account made by `admin`, signed in.
    pub async fn account(&self, admin: &Client, name: &str, role: &str, stations: Option<&[&str]>) -> Client {
        let body = json!({"account": name, "password": "a long password", "role": role, "stations": stations});
        admin.post("/api/admin/accounts", &body).await.ok();
        let signed_in = sign_in(&self.andon.client(), name, "a long password").await.ok();
        self.andon.client().with_token(text(&signed_in["token"]))
    }

    /// A worker with a session at the first of its stations, past the start checklist where there is one.
    pub async fn at_work(&self, code: &str) -> (Worker, String) {
        let mut worker = self.andon.worker(code).await;
        let stations = worker.stations().await;
        let station = text(&stations[0]["id"]).to_owned();
        worker.open(&station, &format!("G-{code}")).await.ok();
        worker.checklist(&station, "start").await;
        (worker, station)
    }

    /// The sequences of the last event of a session and of the last directory record: when they stand still, nothing
    /// happened. Claims are not counted: a node renews one when it is not sure whether the log acknowledges.
    pub async fn heads(&self) -> (u64, u64) {
        let event = self.bus.last_message(STREAM_LOG, SESSIONS, WITHIN).await.expect("it can be read");
        let directory = self.bus.stream_info(STREAM_DIRECTORY, WITHIN).await.expect("it is there");
        (event.map_or(0, |event| event.seq), directory.last_seq)
    }

    /// No handler panicked, nobody logged a panic, and commands are served.
    pub async fn is_unharmed(&mut self) {
        assert!(!self.andon.process.has_ended(), "andon has ended");
        let metrics = self.metrics().await;
        let panics = metrics.lines().find(|line| line.starts_with("andon_gateway_panics_total"));
        assert!(panics.is_none_or(|line| line.ends_with(" 0")), "{panics:?}");
        let log = self.andon.process.log();
        let panic = log.lines().find(|line| line.contains("panicked"));
        assert_eq!(panic, None);
        // A moment without a proof that all is well is no harm.
        floor::ready(&self.andon.place.http_url(), &mut []).await;
    }

    /// What the process measures.
    pub async fn metrics(&self) -> String {
        self.andon.metrics().await
    }

    /// What the process has in memory, in KiB.
    pub fn resident_kib(&self) -> u64 {
        self.andon.resident_kib()
    }

    /// How many files and connections the process has open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.andon.process.pid())).expect("it runs").count()
    }

    /// The address to connect to.
    pub fn address(&self) -> String {
        self.andon.place.http_url().replace("http://", "")
    }
}

/// Signs an account in.
pub async fn sign_in(client: &Client, account: &str, password: &str) -> Answer {
    client.post("/api/admin/login", &json!({"account": account, "password": password})).await
}

/// A client that connects from this address of the loopback network.
pub fn from(hall: &Hall, address: [u8; 4]) -> Client {
    Client::from_address(hall.andon.place.http_url(), std::net::IpAddr::from(address))
}

/// A request with any method and a JSON body.
pub async fn ask(client: &Client, method: Method, path: &str, body: &Value) -> Answer {
    let sent = client.send(client.request(method.clone(), path).json(body)).await;
    sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

/// The text of a value that must be one.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
