//! What the tests need of a gateway: a factory in the directory, commands with ids and expiries, heartbeats.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use andon_nats::{
    Bus, Expect, Followed, Follower, HeaderMap, LogClock, Publish, RequestError, Start,
    testing::{Settings, TestServer},
};
use bus_schemas::{
    Actor, Claim, Command, CommandBody, Done, Extra, Partition, RefusalCode, Reply, Session, SessionEvent, SessionId,
    StationId, TimeUs, WorkerId, codec,
    directory::{Change, DirectoryEvent, Record},
    heartbeat::{Beat, HeartbeatMessage, Heartbeats},
    limits::ATTEMPT_EXPIRY,
    records::{Assignment, Language, Station, StationType, Worker, WorkerRole},
    subject::{self, LogSubject},
};
use engine::{EngineConfig, EngineHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const SOON: Duration = Duration::from_secs(20);

pub struct Bench {
    pub server: TestServer,
    pub bus: Bus,
    log_clock: LogClock,
    pub gateway_id: Uuid,
    counter: AtomicU64,
    next_id: AtomicU64,
    _stop: tokio_util::sync::DropGuard,
}

pub fn worker(number: u128) -> WorkerId {
    WorkerId(Uuid::from_u128(0x1000 + number))
}

pub fn station() -> StationId {
    StationId(Uuid::from_u128(0x57))
}

impl Bench {
    /// A server with streams and a factory of `workers` workers at one station without checklists.
    pub async fn start(workers: u128) -> Self {
        let server = TestServer::start(Settings::default()).await;
        let bus = server.bus("gateway").await;
        let stop = CancellationToken::new();
        let log_clock = LogClock::start(bus.clone(), stop.clone());
        let bench = Self {
            server,
            bus,
            log_clock,
            gateway_id: Uuid::new_v4(),
            counter: AtomicU64::new(0),
            next_id: AtomicU64::new(1),
            _stop: stop.drop_guard(),
        };
        bench.import(workers).await;
        eventually("log time is known", || async { bench.log_clock.now().is_some() }).await;
        bench
    }

    async fn import(&self, workers: u128) {
        let now = TimeUs::from_micros(1_000_000);
        let mut records = vec![Record::Station(Station {
            id: station(),
            name: "Press".into(),
            code: "P1".into(),
            station_type: StationType::Offset,
            is_active: true,
            start_checklist: vec![],
            end_checklist: vec![],
            created_at_us: now,
            updated_at_us: now,
            extra: Extra::new(),
        })];
        records.extend((0..workers).map(|number| {
            Record::Worker(Worker {
                id: worker(number),
                full_name: format!("Worker {number}").into(),
                language: Language::Auto,
                role: WorkerRole::Worker,
                is_active: true,
                assignments: vec![Assignment { station_id: station(), created_at_us: now }],
                created_at_us: now,
                updated_at_us: now,
                extra: Extra::new(),
            })
        }));
        let id = Uuid::new_v4();
        let change = Change::Import { id, records };
        let event = DirectoryEvent { at_us: now, actor: Actor::System, change, extra: Extra::new() };
        let publish = Publish {
            stream: subject::STREAM_DIRECTORY,
            subject: event.change.subject(),
            headers: HeaderMap::new(),
            payload: codec::encode(&event).unwrap().into(),
            expect: Expect::Anything,
        };
        self.bus.publish(&publish, SOON).await.unwrap();
    }

    /// An engine that closes after `idle`; ready.
    pub async fn engine(&self, idle: Duration) -> EngineHandle {
        self.engine_with(self.config(idle)).await
    }

    /// The settings of an engine that closes after `idle`.
    pub fn config(&self, idle: Duration) -> EngineConfig {
        EngineConfig {
            nats: self.server.config(),
            node_name: "test".to_owned(),
            idle_timeout: idle,
            before_decide: None,
        }
    }

    pub async fn engine_with(&self, config: EngineConfig) -> EngineHandle {
        let engine = engine::start(config).await.unwrap();
        eventually("the engine is ready", || async { engine.unready().is_empty() }).await;
        engine
    }

    /// An engine that owns every partition.
    pub async fn owner(&self, idle: Duration) -> EngineHandle {
        let engine = self.engine(idle).await;
        eventually("it owns all", || async { engine.status().owned == 256 && engine.status().ready }).await;
        engine
    }

    pub fn id(&self) -> String {
        format!("c-{}", self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// One attempt.
    pub async fn attempt(
        &self,
        node_id: &str,
        id: &str,
        worker: WorkerId,
        body: CommandBody,
    ) -> Result<Reply, RequestError> {
        let command = Command {
            id: id.parse().unwrap(),
            worker_id: worker,
            actor: Actor::Worker(worker),
            expires_at_us: self.log_clock.now().unwrap_or_default().after(ATTEMPT_EXPIRY),
            directory_seq: 1,
            gateway_id: self.gateway_id,
            reported_at_us: None,
            body,
        };
        let payload = codec::encode(&command).unwrap().into();
        let reply = self.bus.request(subject::command(node_id), None, payload, ATTEMPT_EXPIRY + SOON / 10).await?;
        Ok(codec::decode(&reply.payload).unwrap())
    }

    /// Attempts with one id until the answer is final.
    pub async fn send_as(&self, engine: &EngineHandle, id: &str, worker: WorkerId, body: CommandBody) -> Reply {
        let until = Instant::now() + SOON;
        loop {
            match self.attempt(engine.node_id(), id, worker, body.clone()).await {
                Ok(reply @ (Reply::Done(_) | Reply::Refused(_) | Reply::Poison { .. } | Reply::Wait { .. })) => {
                    return reply;
                }
                other => assert!(Instant::now() < until, "{other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn done(&self, engine: &EngineHandle, worker: WorkerId, body: CommandBody) -> Done {
        match self.send_as(engine, &self.id(), worker, body).await {
            Reply::Done(done) => *done,
            other => panic!("{other:?}"),
        }
    }

    /// Sends it to one node after the other, as a gateway that does not know the owner, until it is done.
    pub async fn done_anywhere(&self, engines: &[&EngineHandle], worker: WorkerId, body: CommandBody) -> Done {
        let (id, until) = (self.id(), Instant::now() + SOON);
        for engine in engines.iter().cycle() {
            match self.attempt(engine.node_id(), &id, worker, body.clone()).await {
                Ok(Reply::Done(done)) => return *done,
                other => assert!(Instant::now() < until, "{other:?}"),
            }
        }
        unreachable!("there are engines")
    }

    pub async fn open_anywhere(&self, engines: &[&EngineHandle], worker: WorkerId) -> Session {
        self.done_anywhere(engines, worker, open()).await.session.unwrap()
    }

    pub async fn refused(&self, engine: &EngineHandle, worker: WorkerId, body: CommandBody) -> RefusalCode {
        match self.send_as(engine, &self.id(), worker, body).await {
            Reply::Refused(refusal) => refusal.code,
            other => panic!("{other:?}"),
        }
    }

    pub async fn open(&self, engine: &EngineHandle, worker: WorkerId) -> Session {
        self.done(engine, worker, open()).await.session.unwrap()
    }

    /// A batch with beats of these sessions; the roll call when `roll_call`.
    pub async fn beat(&self, engine: &EngineHandle, sessions: &[(WorkerId, SessionId)], roll_call: bool) {
        let batch = Heartbeats {
            gateway_id: self.gateway_id,
            counter: self.counter.fetch_add(1, Ordering::Relaxed) + 1,
            roll_call,
            newest_claim_seq: u64::MAX,
            beats: sessions
                .iter()
                .map(|(worker, session_id)| Beat {
                    session_id: *session_id,
                    partition: Partition::of(*worker),
                    age_ms: 0,
                })
                .collect(),
        };
        let payload = codec::encode(&HeartbeatMessage::Beats(batch)).unwrap();
        // Lost ones are the point of some tests.
        let _ = self.bus.send(subject::heartbeat(engine.node_id()), None, payload.into()).await;
    }

    /// Log time.
    pub fn log_time(&self) -> TimeUs {
        self.log_clock.now().unwrap()
    }

    /// What was sent before has reached the server, which has handed it on or dropped it.
    pub async fn settled(&self) {
        self.bus.client().flush().await.unwrap();
        self.bus.stream_info(subject::STREAM_LOG, SOON).await.unwrap();
    }

    /// Stores something on the log, whatever was there before.
    pub async fn publish<T: serde::Serialize>(&self, subject: String, payload: &T, schema: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(subject::HEADER_SCHEMA, schema);
        let payload = codec::encode(payload).unwrap().into();
        let stream = subject::STREAM_LOG;
        let publish = Publish { stream, subject, headers, payload, expect: Expect::Anything };
        self.bus.publish(&publish, SOON).await.unwrap();
    }

    /// Leaves no room in the log for another message.
    pub async fn limit_log(&self) {
        let facts = self.bus.stream_info(subject::STREAM_LOG, SOON).await.unwrap();
        let mut definition = facts.config;
        definition["max_bytes"] = (facts.bytes + 1).into();
        let _: serde_json::Value = self.bus.api("STREAM.UPDATE.ANDON", &definition, SOON).await.unwrap();
    }

    /// The last event of a worker's chain.
    pub async fn last_event(&self, worker: WorkerId) -> Option<SessionEvent> {
        let message = self.bus.last_message(subject::STREAM_LOG, &subject::session(worker), SOON).await.ok()??;
        Some(message.decode().unwrap())
    }

    /// Every session event on the log, in order.
    pub async fn events(&self) -> Vec<(u64, SessionEvent)> {
        self.follow(subject::SESSIONS)
            .await
            .into_iter()
            .map(|message| (message.seq, message.decode().unwrap()))
            .collect()
    }

    /// Every claim on the log, in order.
    pub async fn claims(&self) -> Vec<Claim> {
        self.follow(subject::CLAIMS).await.into_iter().map(|message| message.decode().unwrap()).collect()
    }

    /// Who owns each partition.
    pub async fn owners(&self) -> BTreeMap<Partition, Box<str>> {
        let claims = self.follow(subject::CLAIMS).await.into_iter();
        let owner = |message: andon_nats::StoredMessage| match LogSubject::parse(&message.subject)? {
            LogSubject::Claim(partition) => Some((partition, message.decode::<Claim>().unwrap().node_id)),
            LogSubject::Session(..) => None,
        };
        claims.filter_map(owner).collect()
    }

    async fn follow(&self, filter: &str) -> Vec<andon_nats::StoredMessage> {
        let mut follower =
            Follower::new(self.bus.clone(), subject::STREAM_LOG, vec![filter.to_owned()], Start::Sequence(1));
        let mut messages = Vec::new();
        loop {
            match follower.next().await {
                Followed::Message(message) => messages.push(message),
                Followed::CaughtUp => return messages,
                Followed::Interrupted(why) => panic!("{why}"),
            }
        }
    }
}

pub fn open() -> CommandBody {
    CommandBody::Open { station_id: station(), job_number: "J-1".into() }
}

pub fn status(session_id: SessionId, code: &str) -> CommandBody {
    CommandBody::Status { session_id, status: code.parse().unwrap(), reason_id: None, note: None, image_url: None }
}

/// Polls until it holds.
/// Both own about half, and together everything.
pub async fn shared(first: &EngineHandle, second: &EngineHandle) {
    eventually("both have their share", || async {
        let (a, b) = (first.status(), second.status());
        a.owned + b.owned == 256 && (90..170).contains(&a.owned) && a.ready && b.ready
    })
    .await;
}

pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let until = Instant::now() + SOON;
    while !holds().await {
        assert!(Instant::now() < until, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Versions without holes, one active session at a time, and every event following from the one before.
pub fn assert_chains_hold(events: &[(u64, SessionEvent)]) {
    let mut states = std::collections::HashMap::new();
    for (seq, event) in events {
        let worker = event.state.session.worker_id;
        let before = states.get(&worker);
        if let Err(broken) = engine::session::fold_check(before, event) {
            panic!("event {seq} of {worker}: {broken:?}");
        }
        states.insert(worker, engine::session::apply(before, event, *seq));
    }
}
