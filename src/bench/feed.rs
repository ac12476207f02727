//! The live feed beside a bare broadcast: how soon a change is at its viewers, what a delivery costs, what a connection
//! holds, and what viewers who do not read do to the others.

mod crowd;
mod memory;
mod pushes;
mod scene;
mod side;
mod stream;

use std::time::Duration;

use anyhow::Context as _;

use super::crew::{self, Member};
use super::factory::Factory;
use super::floor::Floor;
use super::report::{Figure, Report, Target, millis};
use super::stack::Stack;
use crate::backends::NatsRole;
use crate::config::Config;
use pushes::Push;
use scene::{Outcome, Scene};
use side::{Bare, Mode, Ours, Side, sign_in};
use stream::Carrier;

/// Nobody beats in this bench, and nobody must be closed for it.
const IDLE_TIMEOUT: &str = "2h";
/// The size of a change on the wire, for the floor: a session as viewers get it.
const CHANGE_BYTES: usize = 1_000;
/// Forty changes a second, one at a time.
const EVERY: Duration = Duration::from_millis(25);
/// Changes made at once, for those who get them together.
const BURST: usize = 8;
/// One viewer in so many does not read.
const STALLED_OF: usize = 10;
/// Ends of a session that are pushed in a round.
const PUSHES: usize = 20;

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// Active sessions.
    pub sessions: usize,
    /// Viewers in a crowd.
    pub viewers: usize,
    /// Idle connections of which memory is measured.
    pub idle: usize,
    /// How often everything is measured.
    pub rounds: usize,
    /// How long each scene is played.
    pub round: Duration,
    /// How long a process may take to come to rest.
    pub settle: Duration,
}

/// What is played in each round.
struct Programme {
    one: Scene,
    crowd: Scene,
    every: Scene,
    together: Scene,
    stalled: Scene,
}

impl Programme {
    fn of(viewers: usize) -> Self {
        let one = Scene { viewers: 1, stalled: 0, mode: Mode::Latest, burst: 1, every: EVERY };
        let crowd = Scene { viewers, ..one };
        Self {
            one,
            crowd,
            every: Scene { mode: Mode::Every, ..crowd },
            together: Scene { burst: BURST, ..crowd },
            stalled: Scene { stalled: viewers / STALLED_OF, ..crowd },
        }
    }
}

/// One side in one round.
struct Played {
    one: Outcome,
    crowd: Outcome,
    every: Outcome,
    together: Outcome,
    stalled: Outcome,
}

impl Programme {
    async fn play(&self, side: &mut impl Side, options: &Options) -> anyhow::Result<Played> {
        let (round, settle) = (options.round, options.settle);
        Ok(Played {
            one: self.one.play(side, round, settle).await?,
            crowd: self.crowd.play(side, round, settle).await?,
            every: self.every.play(side, round, settle).await?,
            together: self.together.play(side, round, settle).await?,
            stalled: self.stalled.play(side, round, settle).await?,
        })
    }
}

/// What was measured of both.
#[derive(Default)]
struct Measured {
    ours: Vec<Played>,
    floor: Vec<Played>,
    pushes: Vec<f64>,
    sockets: [Vec<f64>; 2],
    events: [Vec<f64>; 2],
}

/// Measures.
///
/// # Errors
/// Something does not work.
pub async fn measure(config: &Config, options: &Options) -> anyhow::Result<Report> {
    let mut stack = Stack::start(config, IDLE_TIMEOUT).await?;
    // One more, whose session is ended again and again.
    let factory = Factory::make(&stack.bus(NatsRole::Gateway).await?, options.sessions + 1).await?;
    let crew = crew::assemble(&stack, &factory, options.sessions + 1).await?;
    let admin = sign_in(&stack).await?;
    let mut measured = Measured::default();
    for round in 0..options.rounds {
        memory(&mut stack, &admin, options, &mut measured).await.with_context(|| stack.told())?;
        let floor = Floor::start().await?;
        play(&stack, &factory, &crew, &admin, &floor, options, round, &mut measured)
            .await
            .with_context(|| stack.told())?;
    }
    Ok(report(options, &measured))
}

/// Each in a process that has just started: memory that was given back is not seen twice.
async fn memory(stack: &mut Stack, admin: &str, options: &Options, measured: &mut Measured) -> anyhow::Result<()> {
    for carrier in [Carrier::Socket, Carrier::Events] {
        let values = if carrier == Carrier::Socket { &mut measured.sockets } else { &mut measured.events };
        stack.again()?;
        stack.ready().await?;
        let path = "/api/admin/feed".to_owned();
        let target = stream::Target { address: stack.http(), carrier, path, token: Some(admin.to_owned()) };
        values[0].push(memory::of_each(stack.pid(), &target, options.idle, options.settle).await?);
        let floor = Floor::start().await?;
        let target = Bare::new(&floor, CHANGE_BYTES).target(carrier, Mode::Latest);
        values[1].push(memory::of_each(floor.pid(), &target, options.idle, options.settle).await?);
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "what a round is made of")]
async fn play(
    stack: &Stack,
    factory: &Factory,
    crew: &[Member],
    admin: &str,
    floor: &Floor,
    options: &Options,
    round: usize,
    measured: &mut Measured,
) -> anyhow::Result<()> {
    let (pushed, at_work) = crew.split_last().context("there are no workers")?;
    let mut ours = Ours::new(stack, stack.bus(NatsRole::Engine).await?, admin, at_work).await?;
    let mut bare = Bare::new(floor, CHANGE_BYTES);
    let programme = Programme::of(options.viewers);
    if round.is_multiple_of(2) {
        measured.ours.push(programme.play(&mut ours, options).await?);
    }
    measured.floor.push(programme.play(&mut bare, options).await?);
    if !round.is_multiple_of(2) {
        measured.ours.push(programme.play(&mut ours, options).await?);
    }
    let push = Push { stack, factory, worker: at_work.len(), member: pushed, admin };
    let latencies = push.measure(&mut ours, PUSHES, options.settle).await?;
    measured.pushes.push(latencies.percentile(100).map_or(f64::NAN, millis));
    Ok(())
}

fn report(options: &Options, measured: &Measured) -> Report {
    let figure = |name, unit, of: fn(&Played) -> f64, target| Figure {
        name,
        unit,
        ours: measured.ours.iter().map(of).collect(),
        floor: measured.floor.iter().map(of).collect(),
        target,
    };
    let memory = |name, [ours, floor]: &[Vec<f64>; 2]| Figure {
        name,
        unit: "KB",
        ours: ours.clone(),
        floor: floor.clone(),
        target: Some(Target::AtMost(8.0)),
    };
    let most = |most| Some(Target::AtMost(most));
    let least = |least| Some(Target::AtLeast(least));
    let pushes = Figure {
        ours: measured.pushes.clone(),
        ..figure("push to a worker, longest", "ms", |played| played.one.latency(100), most(100.0))
    };
    Report {
        bench: "feed",
        setup: setup(options),
        figures: vec![
            figure("one viewer, p50", "ms", |played| played.one.latency(50), most(3.0)),
            figure("one viewer, p95", "ms", |played| played.one.latency(95), None),
            figure("one viewer, p99", "ms", |played| played.one.latency(99), most(10.0)),
            figure("a crowd, p50", "ms", |played| played.crowd.latency(50), None),
            figure("a crowd, p95", "ms", |played| played.crowd.latency(95), most(25.0)),
            figure("a crowd, p99", "ms", |played| played.crowd.latency(99), None),
            figure("one by one", "/core s", |played| played.every.per_core_second, least(30_000.0)),
            figure("together", "/core s", |played| played.together.per_core_second, least(100_000.0)),
            figure("beside stalled ones, p95", "ms", |played| played.stalled.latency(95), most(25.0)),
            figure("beside stalled ones", "/core s", |played| played.stalled.per_core_second, None),
            memory("memory of a WebSocket", &measured.sockets),
            memory("memory of an event stream", &measured.events),
            pushes,
        ],
        notes: notes(measured),
    }
}

fn setup(options: &Options) -> Vec<String> {
    let Options { sessions, viewers, idle, rounds, round, .. } = options;
    vec![
        format!(
            "{rounds} rounds, each scene {round:?}: {sessions} active sessions whose workers change their status over \
             HTTP, 40 times a second one at a time, together {BURST} at once; crowds of {viewers} viewers, with every \
             tenth besides who reads nothing; everything on this machine"
        ),
        "latency: from the time that nats-server put on the event (before its fsync, and so before the acknowledgement) \
         to the frame's arrival"
            .to_owned(),
        "deliveries: changes at viewers for a second of processor time of andon up, the changes themselves and their \
         projection included"
            .to_owned(),
        format!("memory: {idle} connections at rest after their snapshot, resident memory with them less that without"),
        format!(
            "floor: tokio's broadcast channel to bare axum WebSockets, {CHANGE_BYTES} bytes a change, in a process of \
             its own"
        ),
    ]
}

fn notes(measured: &Measured) -> Vec<String> {
    let middle = |of: fn(&Played) -> f64| {
        let values: Vec<f64> = measured.ours.iter().map(of).collect();
        super::report::Spread::of(&values).map_or(f64::NAN, |spread| spread.median)
    };
    let short = |played: &[Played]| played.iter().map(|played| played.every.short).sum::<usize>();
    vec![
        format!(
            "changes made a second: one at a time {:.0}, together {:.0}",
            middle(|played| played.every.changes_per_second),
            middle(|played| played.together.changes_per_second)
        ),
        format!(
            "viewers who were to get every change and did not: ours {}, floor {}",
            short(&measured.ours),
            short(&measured.floor)
        ),
    ]
}
