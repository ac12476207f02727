//! Memory of active sessions, and how long a restart with all of them takes.

use std::time::Duration;

use andon_nats::{Bus, Followed, Follower, Start};
use anyhow::Context as _;
use bus_schemas::{SessionEvent, SessionId, subject};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::factory::Factory;
use super::report::{Figure, Report, Target};
use super::seed::{self, Seeded};
use super::stack::Stack;
use super::wire::{Answer, Connection, Prepared};
use super::{Options, crew, processes, rounds};
use crate::backends::NatsRole;
use crate::config::Config;

/// The most memory of an active session, engine and gateway together, in KB.
const TARGET_KB: f64 = 12.0;
/// The longest time from the start of the process to serving, in seconds.
const TARGET_SERVES_S: f64 = 5.0;
/// How long a restart may take before something is wrong.
const SERVES_WITHIN: Duration = Duration::from_secs(60);
/// How often it is asked meanwhile.
const POLL: Duration = Duration::from_millis(10);
/// So long nothing must go on before memory is read.
const CALM_PERIODS: usize = 8;
/// Nobody beats in this bench, and nobody must be closed for it.
const IDLE_TIMEOUT: &str = "2h";

/// Measures.
///
/// # Errors
/// Something does not work.
pub async fn measure(config: &Config, options: &Options) -> anyhow::Result<Report> {
    let mut stack = Stack::start(config, IDLE_TIMEOUT).await?;
    let factory = Factory::make(&stack.bus(NatsRole::Gateway).await?, options.sessions).await?;
    let mut connection = Connection::open(stack.http()).await?;
    crew::wait_until_known(&mut connection, options.sessions - 1).await?;
    let token = crew::login(&mut connection, 0).await?;
    drop(connection);
    // Without sessions, but with the same directory.
    stack.again()?;
    stack.ready().await?;
    let without = settled_bytes(&stack, options).await?;
    let seeded = seed::sessions(&stack.bus(NatsRole::Engine).await?, &factory).await?;
    drop(factory);
    let first = *seeded.sessions.first().context("there are no workers")?;
    let mut runs = Vec::new();
    for round in 0..options.rounds {
        runs.push(Restart::measure(&mut stack, &token, first, round, options).await?);
    }
    Ok(report(options, &seeded, without, &runs))
}

/// One restart with all sessions on the log.
struct Restart {
    ready_s: f64,
    serves_s: f64,
    bytes: u64,
    bare_read_s: f64,
}

impl Restart {
    async fn measure(
        stack: &mut Stack,
        token: &str,
        session: SessionId,
        round: usize,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let started = stack.again()?;
        let serving = timeout(SERVES_WITHIN, serving(stack, token, session, round));
        let (ready, serves) =
            serving.await.with_context(|| format!("it does not serve within {SERVES_WITHIN:?}"))??;
        stack.ready().await?;
        let bytes = settled_bytes(stack, options).await?;
        let bare_read_s = bare_read(stack.bus(NatsRole::Engine).await?, options.sessions).await?.as_secs_f64();
        let seconds = |at: Instant| at.into_std().duration_since(started).as_secs_f64();
        Ok(Self { ready_s: seconds(ready), serves_s: seconds(serves), bytes, bare_read_s })
    }
}

/// When `readyz` first says so, and when the first command is accepted.
async fn serving(
    stack: &mut Stack,
    token: &str,
    session: SessionId,
    round: usize,
) -> anyhow::Result<(Instant, Instant)> {
    let address = loop {
        match stack.find()? {
            Some(address) => break address,
            None => sleep(POLL).await,
        }
    };
    // A change in every round, and so an event.
    let status = if round.is_multiple_of(2) { "production" } else { "setup" };
    let change = json!({"sessionId": session, "status": status}).to_string();
    let change = Prepared::post("/api/status-events", Some(token), &change);
    let (mut asking, mut commanding) = (Connection::open(address).await?, Connection::open(address).await?);
    let ready = Prepared::get("/readyz");
    tokio::try_join!(succeeded(&mut asking, &ready), succeeded(&mut commanding, &change))
}

/// When this is first done.
async fn succeeded(connection: &mut Connection, request: &Prepared) -> anyhow::Result<Instant> {
    loop {
        let answer = connection.exchange(request).await?;
        if answer.is_success() {
            return Ok(Instant::now());
        }
        // Not yet: 503, and as long as the directory is not read, 401 or 404. Anything else would stay.
        anyhow::ensure!(matches!(answer.status, 401 | 404 | 503), "{}", Answer::told(&answer));
        sleep(POLL).await;
    }
}

/// The floor of a restart: everything that is needed of the log, read and decoded, and nothing done with it.
async fn bare_read(bus: Bus, sessions: usize) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let filters = vec![subject::SESSIONS.to_owned()];
    let mut follower = Follower::new(bus, subject::STREAM_LOG, filters, Start::LastPerSubject);
    let mut active = 0;
    loop {
        match follower.next().await {
            Followed::Message(message) => {
                active += usize::from(message.decode::<SessionEvent>()?.state.session.is_active());
            }
            Followed::CaughtUp => break,
            Followed::Interrupted(why) => anyhow::bail!("the log cannot be read: {why}"),
        }
    }
    anyhow::ensure!(active == sessions, "{active} sessions are active, not {sessions}: nothing can be said of them");
    Ok(started.elapsed())
}

/// Resident memory of `andon up` once it has come to rest.
async fn settled_bytes(stack: &Stack, options: &Options) -> anyhow::Result<u64> {
    let deadline = Instant::now() + options.settle;
    for _ in 0..CALM_PERIODS {
        rounds::rest(stack.pid(), deadline.saturating_duration_since(Instant::now())).await;
    }
    processes::resident_bytes(stack.pid()).with_context(|| format!("it ended; {}", stack.told()))
}

fn report(options: &Options, seeded: &Seeded, without: u64, runs: &[Restart]) -> Report {
    let each = |run: &Restart| run.bytes.saturating_sub(without) as f64 / options.sessions as f64 / 1_024.0;
    let of = |value: fn(&Restart) -> f64| runs.iter().map(value).collect::<Vec<f64>>();
    let figure = |name, unit, ours, floor, target| Figure { name, unit, ours, floor, target };
    let memory = runs.iter().map(each).collect();
    let encoded = vec![seeded.bytes_each / 1_024.0; runs.len()];
    let bare_read = of(|run| run.bare_read_s);
    Report {
        bench: "sessions",
        setup: vec![
            format!(
                "{} restarts of andon up with {} active sessions, each with a session before and 32 command ids",
                options.rounds, options.sessions
            ),
            "memory of a session: resident memory of the process (engine, gateway, persistence) with them less that of \
             one with the same directory and no session; floor: its last event as the log has it"
                .to_owned(),
            "restart: from the start of the process, its nats-server included; floor: reading and decoding all of it \
             from the log"
                .to_owned(),
        ],
        figures: vec![
            figure("memory of a session", "KB", memory, encoded, Some(Target::AtMost(TARGET_KB))),
            figure("ready after", "s", of(|run| run.ready_s), bare_read.clone(), None),
            figure(
                "first command accepted after",
                "s",
                of(|run| run.serves_s),
                bare_read,
                Some(Target::AtMost(TARGET_SERVES_S)),
            ),
        ],
        notes: vec![format!(
            "resident memory without sessions {:.0} MB, with them {}",
            without as f64 / 1e6,
            runs.iter().map(|run| format!("{:.0} MB", run.bytes as f64 / 1e6)).collect::<Vec<_>>().join(", ")
        )],
    }
}
