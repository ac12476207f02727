//! A log full of active sessions: for every worker the event that the engine would have written when the session was
//! opened, after a shift whose earlier events have left the log. So every state is as large as it is in the middle of
//! a working day: a session before, and a full ring of command ids.

use std::time::Duration;

use andon_nats::{Bus, Expect, HeaderMap, Publish, batch::BATCH_MAX};
use anyhow::Context as _;
use bus_schemas::{
    Actor, Command, CommandBody, CommandId, SessionEvent, SessionId, TimeUs, WorkerId, WorkerState, codec,
    command::QuantityReport, limits::RING_CAPACITY, subject,
};
use bytes::Bytes;
use engine::session::{Ask, Context, Decision, apply, decide};
use uuid::Uuid;

use super::factory::{Factory, JOB};

/// Time for one batch.
const WITHIN: Duration = Duration::from_secs(30);
/// Between two commands of a shift.
const PACE: Duration = Duration::from_secs(60);

/// What was written.
pub struct Seeded {
    /// The sessions, in the order of the workers.
    pub sessions: Vec<SessionId>,
    /// Bytes of one event as the log has it, on average.
    pub bytes_each: f64,
}

/// Opens a session for every worker of the factory, on the log alone.
///
/// # Errors
/// The rules or the log refuse.
pub async fn sessions(bus: &Bus, factory: &Factory) -> anyhow::Result<Seeded> {
    let now = bus.stream_info(subject::STREAM_LOG, WITHIN).await?.server_now_us;
    let mut sessions = Vec::with_capacity(factory.workers.len());
    let mut bytes = 0;
    for workers in factory.workers.chunks(BATCH_MAX) {
        let mut batch = Vec::with_capacity(workers.len());
        for worker in workers {
            let event = Shift::before(factory, *worker, now)?.open()?;
            sessions.push(event.session_id);
            let publish = message(*worker, &event)?;
            bytes += publish.payload.len();
            batch.push(publish);
        }
        bus.publish_batch(&batch, WITHIN).await.context("sessions cannot be written")?;
    }
    anyhow::ensure!(!sessions.is_empty(), "there are no workers");
    Ok(Seeded { bytes_each: bytes as f64 / sessions.len() as f64, sessions })
}

/// The first message of a chain whose earlier ones are gone.
fn message(worker: WorkerId, event: &SessionEvent) -> anyhow::Result<Publish> {
    let mut headers = HeaderMap::new();
    headers.insert(subject::HEADER_EVENT_ID, event.event_id.to_string().as_str());
    headers.insert(subject::HEADER_EVENT, event.kind.name());
    headers.insert(subject::HEADER_SCHEMA, codec::SCHEMA);
    Ok(Publish {
        stream: subject::STREAM_LOG,
        subject: subject::session(worker),
        headers,
        payload: Bytes::from(codec::encode(event)?),
        expect: Expect::LastOnSubject(0),
    })
}

/// A worker's commands, decided one after another.
struct Shift<'a> {
    factory: &'a Factory,
    worker: WorkerId,
    now: TimeUs,
    commands: u32,
    state: Option<WorkerState>,
}

impl<'a> Shift<'a> {
    /// A session that is completed, with so many commands that their ring is full.
    fn before(factory: &'a Factory, worker: WorkerId, now: TimeUs) -> anyhow::Result<Self> {
        let began = now.before(PACE * (RING_CAPACITY as u32 + 1));
        let mut shift = Self { factory, worker, now: began, commands: 0, state: None };
        let session_id = shift.open()?.session_id;
        for _ in 2..RING_CAPACITY {
            let report = QuantityReport::Deltas { good: Some(25), scrap: None, reason_id: None };
            shift.decide(CommandBody::Quantities { session_id, report })?;
        }
        shift.decide(CommandBody::Complete { session_id })?;
        Ok(shift)
    }

    fn open(&mut self) -> anyhow::Result<SessionEvent> {
        let station_id = self.factory.station;
        self.decide(CommandBody::Open { station_id, job_number: JOB.into() })
    }

    fn decide(&mut self, body: CommandBody) -> anyhow::Result<SessionEvent> {
        self.commands += 1;
        self.now = self.now.after(PACE);
        let id: CommandId = format!("bench-{}", self.commands).parse()?;
        let command = Command {
            id,
            worker_id: self.worker,
            actor: Actor::Worker(self.worker),
            expires_at_us: self.now.after(PACE),
            directory_seq: self.factory.directory.seq(),
            gateway_id: Uuid::nil(),
            reported_at_us: None,
            body,
        };
        let context = Context { directory: &self.factory.directory, now: self.now, deadline: None };
        let decided = decide(self.state.as_ref(), &Ask::Command(&command), &context);
        let Ok(Decision::Publish(mut events)) = decided else { anyhow::bail!("not accepted: {decided:?}") };
        let event = events.pop().context("accepted without an event")?;
        self.state = Some(apply(self.state.as_ref(), &event, u64::from(self.commands)));
        Ok(event)
    }
}
