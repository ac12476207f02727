//! The two that are compared: Andon with workers who change their status, and a bare broadcast that is told to publish
//! as many messages of the same size.

use std::collections::HashMap;
use std::time::Duration;

use andon_nats::{Bus, Followed, Follower, Start};
use anyhow::Context as _;
use bus_schemas::subject;
use futures::future::try_join_all;
use serde_json::{Value, json};

use super::stream::{Carrier, Target};
use crate::bench::crew::Member;
use crate::bench::floor::{self, Floor, Published, Publishing};
use crate::bench::stack::Stack;
use crate::bench::wire::{Connection, Prepared};

/// Time for one question to the log.
const WITHIN: Duration = Duration::from_secs(10);
/// What a worker does in turn: each is a change, and so an event.
const STATUSES: [&str; 2] = ["production", "setup"];

/// When each change was made, in microseconds since 1970, by its number.
pub type Stamps = HashMap<u64, i64>;

/// How viewers look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// At the newest states.
    Latest,
    /// At every change.
    Every,
}

/// One of the two.
pub trait Side {
    /// Connects whoever makes up to so many changes at once: nobody may wait long before the first.
    async fn begin(&mut self, at_once: usize) -> anyhow::Result<()>;

    /// Makes so many changes at once, and waits until they are made.
    async fn change(&mut self, count: usize) -> anyhow::Result<()>;

    /// When the changes since the last time were made.
    async fn stamps(&mut self) -> anyhow::Result<Stamps>;

    /// Whom a viewer asks.
    fn target(&self, carrier: Carrier, mode: Mode) -> Target;

    /// The process that serves viewers.
    fn process(&self) -> i32;
}

/// Andon.
pub struct Ours<'a> {
    stack: &'a Stack,
    bus: Bus,
    token: &'a str,
    connections: Vec<Connection>,
    changes: Vec<[Prepared; STATUSES.len()]>,
    made: usize,
    /// The last message whose time has been read.
    read: u64,
}

impl<'a> Ours<'a> {
    /// Changes made by this crew.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn new(stack: &'a Stack, bus: Bus, token: &'a str, crew: &[Member]) -> anyhow::Result<Self> {
        let change = |member: &Member, status| {
            let body = json!({"sessionId": member.session, "status": status}).to_string();
            Prepared::post("/api/status-events", Some(&member.token), &body)
        };
        let changes = crew.iter().map(|member| STATUSES.map(|status| change(member, status))).collect();
        let read = bus.stream_info(subject::STREAM_LOG, WITHIN).await?.last_seq;
        Ok(Self { stack, bus, token, connections: Vec::new(), changes, made: 0, read })
    }
}

impl Side for Ours<'_> {
    async fn begin(&mut self, at_once: usize) -> anyhow::Result<()> {
        self.connections = try_join_all((0..at_once).map(|_| Connection::open(self.stack.http()))).await?;
        Ok(())
    }

    async fn change(&mut self, count: usize) -> anyhow::Result<()> {
        let (crew, made) = (self.changes.len(), self.made);
        let request = |number: usize| self.changes.get(number % crew)?.get(number / crew % STATUSES.len());
        let changing = self.connections.iter_mut().take(count).enumerate().map(async |(index, connection)| {
            let answer = connection.exchange(request(made + index).context("nobody is at work")?).await?;
            anyhow::ensure!(answer.is_success(), "{}", answer.told());
            Ok(())
        });
        self.made += try_join_all(changing).await?.len();
        Ok(())
    }

    async fn stamps(&mut self) -> anyhow::Result<Stamps> {
        let start = Start::Sequence(self.read + 1);
        let mut follower =
            Follower::new(self.bus.clone(), subject::STREAM_LOG, vec![subject::SESSIONS.to_owned()], start);
        let mut stamps = Stamps::new();
        loop {
            match follower.next().await {
                Followed::Message(message) => {
                    stamps.insert(message.seq, message.time_us.as_micros());
                }
                Followed::CaughtUp => break,
                Followed::Interrupted(why) => anyhow::bail!("the log cannot be read: {why}"),
            }
        }
        self.read = follower.last_seq();
        Ok(stamps)
    }

    fn target(&self, carrier: Carrier, mode: Mode) -> Target {
        let mode = if mode == Mode::Every { "every" } else { "latest" };
        let path = format!("/api/admin/feed?mode={mode}");
        Target { address: self.stack.http(), carrier, path, token: Some(self.token.to_owned()) }
    }

    fn process(&self) -> i32 {
        self.stack.pid()
    }
}

/// The floor.
pub struct Bare<'a> {
    floor: &'a Floor,
    connection: Option<Connection>,
    bytes: usize,
    next: u64,
    stamps: Stamps,
}

impl<'a> Bare<'a> {
    /// With messages of so many bytes for each change.
    pub fn new(floor: &'a Floor, bytes: usize) -> Self {
        Self { floor, connection: None, bytes, next: 1, stamps: Stamps::new() }
    }
}

impl Side for Bare<'_> {
    async fn begin(&mut self, _: usize) -> anyhow::Result<()> {
        self.connection = Some(Connection::open(self.floor.address()).await?);
        Ok(())
    }

    async fn change(&mut self, count: usize) -> anyhow::Result<()> {
        let changes = count as u64;
        let publishing = Publishing { changes, bytes: self.bytes, first: self.next };
        let request = Prepared::post(floor::PUBLISH_PATH, None, &serde_json::to_string(&publishing)?);
        let connection = self.connection.as_mut().context("nobody is connected")?;
        let answer = connection.exchange(&request).await?;
        anyhow::ensure!(answer.is_success(), "{}", answer.told());
        let published: Published = serde_json::from_slice(answer.body)?;
        self.stamps.extend((self.next..self.next + changes).map(|number| (number, published.at_us)));
        self.next += changes;
        Ok(())
    }

    async fn stamps(&mut self) -> anyhow::Result<Stamps> {
        Ok(std::mem::take(&mut self.stamps))
    }

    fn target(&self, carrier: Carrier, _: Mode) -> Target {
        let path = match carrier {
            Carrier::Socket => floor::SOCKET_PATH,
            Carrier::Events => floor::EVENTS_PATH,
        };
        Target { address: self.floor.address(), carrier, path: path.to_owned(), token: None }
    }

    fn process(&self) -> i32 {
        self.floor.pid()
    }
}

/// Signs in whoever watches.
///
/// # Errors
/// The accounts are not there in time.
pub async fn sign_in(stack: &Stack) -> anyhow::Result<String> {
    let mut connection = Connection::open(stack.http()).await?;
    let login = json!({"account": "admin", "password": stack.admin_password()?}).to_string();
    let login = Prepared::post("/api/admin/login", None, &login);
    let deadline = tokio::time::Instant::now() + WITHIN;
    loop {
        let answer = connection.exchange(&login).await?;
        if answer.is_success() {
            let login: Value = serde_json::from_slice(answer.body)?;
            return login["token"].as_str().map(str::to_owned).context("a login without a token");
        }
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "nobody can sign in: {}", answer.told());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
