//! Durable status changes beside bare publishes of the same messages to the same nats-server.

use std::time::Duration;

use andon_nats::{Bus, Expect, HeaderMap, Publish, StoredMessage};
use anyhow::Context as _;
use bus_schemas::{limits::RING_CAPACITY, subject};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::factory::Factory;
use super::load::{Callers, Load};
use super::report::Report;
use super::rounds::{Answering, Rounds, Side};
use super::stack::Stack;
use super::wire::{Answer, Prepared};
use super::{Options, crew};
use crate::backends::NatsRole;
use crate::config::Config;

/// The least share of the floor, in percent.
const TARGET_SHARE: f64 = 60.0;
/// The longest p99.
const TARGET_P99_MS: f64 = 30.0;
/// Time for one publish or read.
const WITHIN: Duration = Duration::from_secs(10);
/// Warm-ups at most.
const WARM_UPS_MAX: usize = 10;
/// The floor's own stream; beside the log, on the same disk.
const STREAM: &str = "ANDON_BENCH_FLOOR";
/// What a worker does in turn: each is a change, and so an event.
const STATUSES: [&str; 2] = ["production", "setup"];

/// Measures.
///
/// # Errors
/// Something does not work.
pub async fn measure(config: &Config, options: &Options) -> anyhow::Result<Report> {
    let stack = Stack::start(config, "5m").await?;
    let factory = Factory::make(&stack.bus(NatsRole::Gateway).await?, options.connections).await?;
    let crew = crew::assemble(&stack, &factory, options.connections).await?;
    let requests = crew.iter().map(|member| {
        let change = |status: &&str| {
            let body = json!({"sessionId": member.session, "status": status}).to_string();
            Prepared::post("/api/status-events", Some(&member.token), &body)
        };
        STATUSES.iter().map(change).collect()
    });
    let callers = Callers::connect(stack.http(), requests, is_success).await?;
    let mut ours = Answering { callers, process: stack.pid() };
    fill_rings(&mut ours, options).await?;
    let bus = stack.bus(NatsRole::Engine).await?;
    let worker = *factory.workers.first().context("there are no workers")?;
    let model = bus.last_message(subject::STREAM_LOG, &subject::session(worker), WITHIN).await?;
    let model = model.context("no event was stored")?;
    let mut floor = Publishers::new(&stack, bus, &model, options.connections).await?;
    let rounds = Rounds::of(&mut ours, &mut floor, options).await?;
    Ok(Report {
        bench: "status",
        setup: vec![
            format!(
                "{} rounds of {:?} each: status changes of {} sessions, each on its own connection, one after another, \
                 load generator included",
                options.rounds, options.round, options.connections
            ),
            format!(
                "floor: bare publishes of the same {} bytes with the same headers and conditions, {} in flight, to \
                 another file stream of the same nats-server",
                model.payload.len(),
                options.connections
            ),
        ],
        figures: rounds.figures("status changes", TARGET_SHARE, Some(TARGET_P99_MS)),
        notes: rounds.notes(),
    })
}

/// Works until every state carries as many command ids as it ever will, and so every message has its full size. On a
/// very slow disk it gives up before: what is published beside it is as large as the messages are then.
async fn fill_rings(ours: &mut Answering, options: &Options) -> anyhow::Result<()> {
    let wanted = (RING_CAPACITY * options.connections) as u64;
    let mut done = 0;
    for _ in 0..WARM_UPS_MAX {
        let load = ours.callers.call(options.warm_up).await?;
        done += load.latencies.count();
        if done > wanted {
            break;
        }
    }
    Ok(())
}

fn is_success(answer: &Answer) -> bool {
    answer.is_success()
}

/// Who publish, each on a subject of its own, each after the acknowledgement of the one before.
struct Publishers {
    bus: Bus,
    publishers: Vec<Publish>,
    process: i32,
}

impl Publishers {
    async fn new(stack: &Stack, bus: Bus, model: &StoredMessage, count: usize) -> anyhow::Result<Self> {
        // The engine may publish there, and nobody listens.
        let subjects: Vec<String> = (0..count).map(|index| subject::node(&format!("bench-floor-{index}"))).collect();
        let log = bus.stream_info(subject::STREAM_LOG, WITHIN).await?;
        let mut definition = log.config;
        definition["name"] = json!(STREAM);
        definition["subjects"] = json!(subjects);
        let operator = stack.bus(NatsRole::Operator).await?;
        let made: Result<Value, _> = operator.api(&format!("STREAM.CREATE.{STREAM}"), &definition, WITHIN).await;
        made.context("the floor's stream cannot be made")?;
        let publisher = |subject| Publish {
            stream: STREAM,
            subject,
            headers: own_headers(model),
            payload: model.payload.clone(),
            expect: Expect::LastOnSubject(0),
        };
        Ok(Self { bus, publishers: subjects.into_iter().map(publisher).collect(), process: stack.pid() })
    }
}

/// The headers of a message without those that the server put there or acted upon.
fn own_headers(model: &StoredMessage) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in [subject::HEADER_EVENT_ID, subject::HEADER_EVENT, subject::HEADER_SCHEMA, subject::HEADER_TRACE] {
        if let Some(value) = model.headers.get(name) {
            headers.insert(name, value.as_str());
        }
    }
    headers
}

impl Side for Publishers {
    async fn call(&mut self, during: Duration) -> anyhow::Result<Load> {
        let started = Instant::now();
        let mut running = JoinSet::new();
        for publisher in self.publishers.drain(..) {
            running.spawn(publish_until(self.bus.clone(), publisher, started + during));
        }
        let mut load = Load::default();
        while let Some(ended) = running.join_next().await {
            let (publisher, part) = ended.context("a publisher has failed")??;
            self.publishers.push(publisher);
            load.merge(part);
        }
        load.seconds = started.elapsed().as_secs_f64();
        Ok(load)
    }

    fn process(&self) -> i32 {
        self.process
    }
}

async fn publish_until(bus: Bus, mut publish: Publish, end: Instant) -> anyhow::Result<(Publish, Load)> {
    let mut load = Load::default();
    let mut sent = Instant::now();
    while sent < end {
        let ack = bus.publish(&publish, WITHIN).await.context("the floor cannot publish")?;
        publish.expect = Expect::LastOnSubject(ack.seq);
        let acknowledged = Instant::now();
        load.latencies.record(acknowledged - sent);
        sent = acknowledged;
    }
    Ok((publish, load))
}
