//! `andon cluster`: a whole cluster on one machine, for trying and for testing. Three nats-servers with the log on each,
//! Postgres, engine nodes, two gateways and two persistence processes, each a process of its own, joined by links that
//! can be cut and slowed down. Whoever runs it kills, stops and cuts them by name.
//!
//! It is no way to run a factory: all of it shares one machine and one disk.

mod control;
mod link;
mod member;
mod shape;

use std::time::Duration;

use andon_nats::{Bus, consumers, streams};
use anyhow::Context as _;
use futures::future::join_all;
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::backends::NatsRole;
use crate::config::{Config, Secret};
use crate::lifecycle::Shutdown;
use crate::roles::{FirstAccount, prepare_database};
use crate::running::Running;
use crate::servers::{DataDir, Installation};
pub use control::send;
use control::{Desk, Order, Request};
use link::Link;
use member::{Member, State};
use shape::Shape;

/// Three servers elect a leader and make streams within seconds; a busy machine takes longer.
const STREAMS_WITHIN: Duration = Duration::from_secs(90);
/// The same until every gateway serves.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// Between two attempts.
const POLL: Duration = Duration::from_millis(200);

/// Runs a cluster with this many engine nodes until a signal ends it.
///
/// # Errors
/// It does not start.
pub async fn run(config: &Config, engines: u8, shutdown: &Shutdown) -> anyhow::Result<()> {
    let data = DataDir::hold(&config.data_dir)?;
    let installation = data.installation()?;
    let shape = Shape::choose(config, &data, &installation, engines).await?;
    shape.end_leftovers().await;
    let Shape { members, links, http, backends, .. } = shape;
    let mut cluster = Cluster { members, links, http };
    let mut desk = Desk::open(data.path())?;
    let starting = cluster.start(config, &data, &installation, &backends);
    let started = match shutdown.drain.run_until_cancelled(starting).await {
        None => Ok(None),
        Some(started) => started.map(Some),
    };
    if let Ok(Some(_running)) = &started {
        cluster.serve(&mut desk, shutdown).await;
    }
    drop(desk);
    cluster.end(shutdown).await;
    started.map(drop)
}

/// The processes and their links.
struct Cluster {
    members: Vec<Member>,
    links: Vec<Link>,
    http: Vec<String>,
}

impl Cluster {
    /// Starts everything, and waits until every gateway serves.
    async fn start(
        &mut self,
        config: &Config,
        data: &DataDir,
        installation: &Installation,
        backends: &crate::backends::Backends,
    ) -> anyhow::Result<Running> {
        let is_server = |name: &str| name.starts_with("nats-") || name == shape::POSTGRES;
        for member in self.members.iter_mut().filter(|member| is_server(&member.name)) {
            member.start().await?;
        }
        make_streams(&backends.nats(NatsRole::Operator)).await?;
        let url = backends.database_url.as_deref().context("a cluster has a Postgres")?;
        prepare_database(url, &first_account(config, data, installation)).await?;
        for member in self.members.iter_mut().filter(|member| !is_server(&member.name)) {
            member.start().await?;
        }
        let first = self.http.first().context("a cluster has gateways")?;
        let running = Running::write(data, first, &backends.nats(NatsRole::Operator), backends)?;
        self.ready().await?;
        crate::tool::say(format_args!("ready {}", self.http.join(" ")));
        Ok(running)
    }

    /// Waits until every gateway serves.
    async fn ready(&mut self) -> anyhow::Result<()> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let deadline = Instant::now() + READY_WITHIN;
        for url in &self.http {
            let ready = format!("{url}/readyz");
            while !client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
                for member in &mut self.members {
                    let ended = member.state() == State::Ended;
                    anyhow::ensure!(!ended, "{} has ended: see its log in the data directory", member.name);
                }
                anyhow::ensure!(Instant::now() < deadline, "{url} is not ready within {READY_WITHIN:?}");
                sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// Does what it is told until a signal ends it.
    async fn serve(&mut self, desk: &mut Desk, shutdown: &Shutdown) {
        loop {
            let Request { order, answer } = tokio::select! {
                () = shutdown.drain.cancelled() => return,
                request = desk.next() => request,
            };
            let done = self.obey(order).await.map_err(|error| format!("{error:#}"));
            // Whoever asked may have gone; it is done all the same.
            drop(answer.send(done));
        }
    }

    async fn obey(&mut self, order: Order) -> anyhow::Result<String> {
        tracing::info!(?order, "told");
        match order {
            Order::Status => return Ok(self.status()),
            Order::Kill(name) => self.member(&name)?.kill().await?,
            Order::Stop(name) => self.member(&name)?.signal(Signal::SIGSTOP)?,
            Order::Cont(name) => self.member(&name)?.signal(Signal::SIGCONT)?,
            Order::Start(name) => self.member(&name)?.start().await?,
            Order::Restart(name) => {
                let member = self.member(&name)?;
                member.end().await;
                member.start().await?;
            }
            Order::Cut(name, other) => self.links(&name, other.as_deref())?.iter().for_each(|link| link.cut()),
            Order::Delay(name, other, by) => {
                self.links(&name, other.as_deref())?.iter().for_each(|link| link.delay(by));
            }
            Order::Heal(name, other) => self.links(&name, other.as_deref())?.iter().for_each(|link| link.heal()),
        }
        Ok(String::new())
    }

    fn member(&mut self, name: &str) -> anyhow::Result<&mut Member> {
        let names: Vec<_> = self.members.iter().map(|member| member.name.clone()).collect();
        let found = self.members.iter_mut().find(|member| member.name == name);
        found.with_context(|| format!("there is no {name}; there are {}", names.join(", ")))
    }

    /// The links that join two, or all of one.
    fn links(&mut self, one: &str, other: Option<&str>) -> anyhow::Result<Vec<&Link>> {
        for name in std::iter::once(one).chain(other) {
            self.member(name)?;
        }
        let links: Vec<_> = self.links.iter().filter(|link| link.joins(one, other)).collect();
        anyhow::ensure!(!links.is_empty(), "no link joins {one} and {}", other.unwrap_or("anything"));
        Ok(links)
    }

    fn status(&mut self) -> String {
        let mut text = String::new();
        for member in &mut self.members {
            let state = match member.state() {
                State::Running => "running",
                State::Stopped => "stopped",
                State::Ended => "ended",
            };
            let pid = member.pid().map_or_else(String::new, |pid| format!("process {pid}"));
            text.push_str(&format!("{:<14} {state:<8} {pid}\n", member.name));
        }
        for (number, url) in (1..).zip(&self.http) {
            text.push_str(&format!("gateway-{number} serves {url}\n"));
        }
        for member in &self.members {
            if let Some(port) = member.metrics_port {
                text.push_str(&format!("{} measures at http://127.0.0.1:{port}/metrics\n", member.name));
            }
        }
        for link in &self.links {
            if let Some(trouble) = link.trouble() {
                text.push_str(&format!("{trouble}: {} to {}\n", link.from, link.to));
            }
        }
        text
    }

    /// Ends everything: who asks before who answers, and the servers last. A second signal kills what is left.
    async fn end(&mut self, shutdown: &Shutdown) {
        // Nobody can say good-bye over a cut link.
        self.links.iter().for_each(Link::heal);
        for kind in ["gateway-", "persistence-", "engine-", shape::POSTGRES, "nats-"] {
            let members = self.members.iter_mut().filter(|member| member.name.starts_with(kind));
            let ending = join_all(members.map(Member::end));
            if shutdown.now.run_until_cancelled(ending).await.is_none() {
                break;
            }
        }
        for member in &mut self.members {
            if member.state() != State::Ended {
                let _gone_already = member.kill().await;
            }
        }
    }
}

/// Makes the streams as soon as the servers have found each other.
async fn make_streams(nats: &andon_nats::NatsConfig) -> anyhow::Result<()> {
    let deadline = Instant::now() + STREAMS_WITHIN;
    loop {
        let made = async {
            let bus = Bus::connect(nats, NatsRole::Operator.name()).await?;
            let made = async {
                streams::ensure(&bus, nats).await?;
                consumers::ensure(&bus, nats.replicas).await
            };
            let made = made.await;
            let _closed_already = bus.client().drain().await;
            anyhow::Ok(made?)
        };
        match made.await {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error.context("the streams cannot be made")),
            Err(error) => tracing::debug!(%error, "the servers have not found each other yet"),
        }
        sleep(POLL).await;
    }
}

fn first_account(config: &Config, data: &DataDir, installation: &Installation) -> FirstAccount {
    match &config.admin_password {
        Some(password) => FirstAccount { password: password.clone(), generated_in: None },
        None => FirstAccount {
            password: Secret::new(&*installation.admin_password),
            generated_in: Some(data.installation_file()),
        },
    }
}
