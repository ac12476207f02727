//! What workers notice when processes die: how long until every partition accepts commands again, and that nothing they
//! were told is lost by it. A cluster of three engine nodes on three nats-servers is started here, and its processes are
//! killed, suspended and restarted one after another; at the end its log is proven.

mod beats;
mod cases;
mod client;
mod figures;
mod ledger;
mod owners;
mod pauses;
mod proof;
mod report;
mod scene;
mod site;
mod staff;
mod steady;
mod strike;
mod wait;

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use super::processes;
use crate::config::Config;
use cases::Plan;
use proof::Proof;
pub use report::Report;
use scene::Scene;
use staff::Who;

/// Short enough that an outage of a minute would close sessions that it should not; everybody beats every 15 s.
const IDLE_TIMEOUT: &str = "60s";
/// The cold start has so many sessions that nobody beats there, and nobody must be closed for it.
const IDLE_TIMEOUT_COLD: &str = "2h";

/// What is done to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Case {
    /// An engine node is killed
    Kill,
    /// An engine node is suspended, and goes on later
    Stop,
    /// All engine nodes are restarted, one after another
    Rolling,
    /// The nats-server that leads the log is killed
    Leader,
    /// All nats-servers are killed at once
    Servers,
    /// All engine nodes are started at once
    Cold,
}

impl Case {
    /// Every case, in the order in which they are done.
    pub const ALL: [Self; 6] = [Self::Kill, Self::Stop, Self::Rolling, Self::Leader, Self::Servers, Self::Cold];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Rolling => "rolling",
            Self::Leader => "leader",
            Self::Servers => "servers",
            Self::Cold => "cold",
        }
    }

    /// What is done.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Kill => "kill -9 of an engine node",
            Self::Stop => "SIGSTOP of an engine node, SIGCONT later",
            Self::Rolling => "restart of all engine nodes, one after another, under a steady load",
            Self::Leader => "kill -9 of the nats-server that leads the log",
            Self::Servers => "kill -9 of all three nats-servers, started again at once",
            Self::Cold => "start of all engine nodes after kill -9 of all",
        }
    }

    /// How often, when nobody says: so often that all of it takes a quarter of an hour.
    const fn usual_trials(self) -> usize {
        match self {
            Self::Kill | Self::Stop => 30,
            Self::Leader => 10,
            Self::Rolling | Self::Servers => 5,
            Self::Cold => 3,
        }
    }
}

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// Active sessions.
    pub sessions: usize,
    /// The same at the cold start.
    pub cold_sessions: usize,
    /// How often each case is done; none: as often as is usual for it.
    pub trials: Option<usize>,
    /// What is done.
    pub cases: Vec<Case>,
    /// No trial begins later than this.
    pub within: Duration,
    /// How long the steady load is measured before anything is restarted.
    pub undisturbed: Duration,
}

/// Measures.
///
/// # Errors
/// A cluster does not start, or its log cannot be read. What goes wrong in a case is a result.
pub async fn measure(config: &Config, options: &Options) -> anyhow::Result<Report> {
    let deadline = Instant::now() + options.within;
    let mut report = Report { setup: Vec::new(), sections: Vec::new(), proofs: Vec::new(), notes: Vec::new() };
    report.setup.extend(setup(options));
    report.notes.push(format!("load of the machine before: {}", processes::load()));
    let (cold, warm): (Vec<Case>, Vec<Case>) =
        Case::ALL.iter().filter(|case| options.cases.contains(case)).partition(|case| **case == Case::Cold);
    if !warm.is_empty() {
        let scene = Scene::begin(config, IDLE_TIMEOUT, options.sessions, Who::All).await?;
        let played = play(scene, "the cluster", &warm, options, deadline, &mut report);
        played.await.context("the cluster")?;
    }
    if !cold.is_empty() {
        let scene = Scene::begin(config, IDLE_TIMEOUT_COLD, options.cold_sessions, Who::OneOfEach).await?;
        let played = play(scene, "the cold start", &cold, options, deadline, &mut report);
        played.await.context("the cold start")?;
    }
    Ok(report)
}

/// Does the cases in a cluster, proves its log and ends it.
async fn play(
    mut scene: Scene,
    name: &'static str,
    cases: &[Case],
    options: &Options,
    deadline: Instant,
    report: &mut Report,
) -> anyhow::Result<()> {
    for &case in cases {
        let trials = options.trials.unwrap_or(case.usual_trials());
        let plan = Plan { case, trials, deadline, undisturbed: options.undisturbed };
        let section = cases::run(&mut scene, plan).await;
        report.sections.push(section);
    }
    report.notes.push(format!("{name}: a session is {:.0} bytes on the log", scene.bytes_each));
    report.notes.extend(scene.beats.as_ref().map(beats::Beats::told));
    report.proofs.push(Proof::of(name, &scene).await.context("its log cannot be proven")?);
    Ok(())
}

fn setup(options: &Options) -> Vec<String> {
    vec![
        format!(
            "{} active sessions ({} at the cold start) on 3 engine nodes, 3 nats-servers with a copy of the log on each, \
             Postgres, 2 gateways and 2 persistence processes; all of it and the workers on this machine",
            options.sessions, options.cold_sessions
        ),
        format!("idle time {IDLE_TIMEOUT}, every session beats every 15 s (at the cold start: {IDLE_TIMEOUT_COLD}, nobody beats)"),
        "accepts commands: from just before the first signal to the acknowledgement of a command sent after the fault, by \
         one worker of each partition concerned, who repeats it on 503"
            .to_owned(),
        "on its way: sent just before the fault, and not answered when it was there".to_owned(),
        format!(
            "pause of a session: the longest time between two acknowledgements beyond its pace of {:?}, one session in \
             each partition; a command has failed when its only sending is answered with anything but 2xx",
            steady::PACE
        ),
    ]
}
