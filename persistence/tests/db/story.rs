//! Made-up but consistent histories of workers: what an engine would put on the log.

use andon_nats::{HeaderMap, StoredMessage};
use bus_schemas::{
    Actor, CloseCause, CommandId, EventId, EventKind, Extra, Interval, JobId, Ring, Session, SessionEvent, SessionId,
    SessionStatus, StationId, StatusCode, TimeUs, WorkerId, WorkerState, codec, command::ChecklistKind, state::Names,
    subject,
};
use uuid::Uuid;

/// When every story begins.
pub const START: TimeUs = TimeUs::from_micros(1_793_526_400_000_007);

/// Chance that can be repeated: xorshift64*.
pub struct Dice(u64);

impl Dice {
    /// Dice that roll the same for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2) + 1)
    }

    /// A number below `end`.
    pub fn roll(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }
}

/// A worker, and the session of the moment.
pub struct Worker {
    /// Who.
    pub id: WorkerId,
    /// The session as it is.
    pub session: Session,
    now: TimeUs,
    commands: u64,
}

impl Worker {
    /// A worker who opens a first session, and the event of it.
    pub fn opens(number: u128) -> (Self, SessionEvent) {
        let id = WorkerId(Uuid::from_u128(0xa000 + number));
        let mut worker = Self { id, session: session(id, START, 0), now: START, commands: 0 };
        let event = worker.open(None);
        (worker, event)
    }

    fn open(&mut self, replaces: Option<SessionId>) -> SessionEvent {
        self.session = session(self.id, self.tick(), self.commands);
        self.event(EventKind::Opened { replaces }, Vec::new(), self.worker())
    }

    /// Answers the start checklist: work begins.
    pub fn starts(&mut self) -> SessionEvent {
        let now = self.tick();
        self.session.start_checklist_completed = true;
        self.session.started_at_us = now;
        self.begin("stopped", None);
        let items = vec!["guards".into(), "oil".into()];
        self.event(EventKind::ChecklistCompleted { list: ChecklistKind::Start, items }, Vec::new(), self.worker())
    }

    /// Changes the status.
    pub fn turns(&mut self, status: &str, note: Option<&str>) -> SessionEvent {
        self.tick();
        let ended = self.end_interval(self.now);
        self.begin(status, note);
        self.event(EventKind::StatusChanged, ended, self.worker())
    }

    /// Reports pieces.
    pub fn reports(&mut self, good: i64, scrap: i64) -> SessionEvent {
        self.tick();
        let status_event_id = self.session.open.as_ref().expect("work has begun").id;
        self.session.total_good += good;
        self.session.total_scrap += scrap;
        let kind = EventKind::QuantitiesReported {
            good_delta: good,
            scrap_delta: scrap,
            reason_id: None,
            status_event_id,
            reported_at_us: Some(self.now),
        };
        self.event(kind, Vec::new(), self.worker())
    }

    /// Nothing happens: the state is carried forward.
    pub fn carried(&mut self) -> SessionEvent {
        self.event(EventKind::Carried, Vec::new(), Actor::System)
    }

    /// The session ends.
    pub fn closes(&mut self, cause: CloseCause) -> SessionEvent {
        let seen = self.session.last_proof_at_us;
        let now = self.tick();
        let note = (cause != CloseCause::Completed).then_some("closed for a test");
        let mut ended = self.end_interval(if cause == CloseCause::Idle { seen } else { now });
        if let (Some(note), Some(last)) = (note, ended.last()) {
            let started = last.ended_at_us.expect("it has ended");
            let appended = interval(self.derived(1), "stopped", Some(note), started);
            ended.push(Interval { ended_at_us: Some(now), ..appended });
        }
        let session = &mut self.session;
        session.status = cause.status_after();
        session.closed_cause = Some(cause);
        session.last_working_status = session.current_status.replace(StatusCode::stopped());
        session.ended_at_us = Some(now);
        session.effective_end_at_us = Some(if cause == CloseCause::Idle { seen } else { now });
        session.forced_closed_at_us = note.map(|_| now);
        let actor = if cause == CloseCause::Idle { Actor::System } else { self.worker() };
        self.event(EventKind::Closed { cause, note: note.map(Into::into) }, ended, actor)
    }

    /// Opens another session, closing the active one: one or two events.
    pub fn reopens(&mut self) -> Vec<SessionEvent> {
        let replaced = self.session.is_active().then_some(self.session.id);
        let closed = replaced.map(|_| self.closes(CloseCause::Replaced));
        closed.into_iter().chain([self.open(replaced)]).collect()
    }

    /// Does what the dice say; whatever that is, it is allowed.
    pub fn does_something(&mut self, dice: &mut Dice) -> Vec<SessionEvent> {
        if !self.session.is_active() {
            return self.reopens();
        }
        if !self.session.is_started() {
            return vec![self.starts()];
        }
        match dice.roll(12) {
            0..5 => vec![self.turns(["production", "fault", "setup"][dice.roll(3) as usize], None)],
            5..9 => vec![self.reports(dice.roll(50) as i64, dice.roll(3) as i64)],
            9 => vec![self.carried()],
            10 => {
                vec![self.closes([CloseCause::Completed, CloseCause::Idle, CloseCause::Admin][dice.roll(3) as usize])]
            }
            _ => self.reopens(),
        }
    }

    /// Nothing happens until this time.
    pub const fn skip_to(&mut self, at: TimeUs) {
        self.now = at;
    }

    const fn worker(&self) -> Actor {
        Actor::Worker(self.id)
    }

    /// Time passes, at least a microsecond.
    fn tick(&mut self) -> TimeUs {
        self.commands += 1;
        self.now = TimeUs::from_micros(self.now.as_micros() + 1_000_003);
        self.now
    }

    fn command(&self) -> CommandId {
        format!("command-{}", self.commands).parse().expect("a command id")
    }

    fn derived(&self, ordinal: u8) -> EventId {
        EventId::derive(self.id, &self.command(), self.now, ordinal)
    }

    fn begin(&mut self, status: &str, note: Option<&str>) {
        let open = interval(self.derived(0), status, note, self.now);
        self.session.current_status = Some(open.status.clone());
        self.session.last_status_change_at_us = Some(self.now);
        self.session.open = Some(open);
    }

    fn end_interval(&mut self, at: TimeUs) -> Vec<Interval> {
        let open = self.session.open.take();
        open.map(|open| Interval { ended_at_us: Some(at), ..open }).into_iter().collect()
    }

    fn event(&mut self, kind: EventKind, ended: Vec<Interval>, actor: Actor) -> SessionEvent {
        self.session.version += 1;
        self.session.updated_at_us = self.now;
        if actor.is_worker() {
            self.session.last_proof_at_us = self.now;
        }
        SessionEvent {
            event_id: EventId::derive(
                self.id,
                &self.command(),
                self.now,
                if kind == EventKind::Carried { 9 } else { 0 },
            ),
            session_id: self.session.id,
            version: self.session.version,
            command_id: self.command(),
            kind,
            at_us: self.now,
            actor,
            state: WorkerState {
                session: self.session.clone(),
                previous: None,
                ring: Ring::default(),
                extra: Extra::new(),
            },
            ended,
            extra: Extra::new(),
        }
    }
}

fn interval(id: EventId, status: &str, note: Option<&str>, started_at_us: TimeUs) -> Interval {
    Interval {
        id,
        status: status.parse().expect("a status"),
        reason_id: None,
        note: note.map(Into::into),
        image_url: None,
        started_at_us,
        ended_at_us: None,
        reported_at_us: None,
        extra: Extra::new(),
    }
}

fn session(worker: WorkerId, now: TimeUs, number: u64) -> Session {
    let command = format!("open-{number}").parse().expect("a command id");
    let job_number = format!("J-{}", number % 3);
    Session {
        id: SessionId::derive(worker, &command, now),
        version: 0,
        worker_id: worker,
        station_id: StationId(Uuid::from_u128(0x5000 + u128::from(number % 2))),
        job_id: JobId::of(&job_number),
        names: Names {
            worker: "Dana Levi".into(),
            station_code: "P-1".into(),
            station: "Press 1".into(),
            station_type: "offset".into(),
            job_number: job_number.into(),
            customer: Some("Acme".into()),
            planned_quantity: Some(500),
            extra: Extra::new(),
        },
        status: SessionStatus::Active,
        start_checklist_completed: false,
        end_checklist_completed: false,
        required_start: ["guards".into()].into(),
        required_end: [].into(),
        opened_at_us: now,
        started_at_us: now,
        ended_at_us: None,
        effective_end_at_us: None,
        forced_closed_at_us: None,
        closed_cause: None,
        current_status: None,
        last_status_change_at_us: None,
        last_working_status: None,
        total_good: 0,
        total_scrap: 0,
        open: None,
        last_proof_at_us: now,
        updated_at_us: now,
        extra: Extra::new(),
    }
}

/// The log that these events make, from this sequence on.
pub fn log(first_seq: u64, events: &[SessionEvent]) -> Vec<StoredMessage> {
    events.iter().zip(first_seq..).map(|(event, seq)| stored(seq, event)).collect()
}

/// An event as the log has it.
pub fn stored(seq: u64, event: &SessionEvent) -> StoredMessage {
    message(seq, subject::session(event.state.session.worker_id), codec::encode(event).expect("it encodes"))
}

/// A message of this version.
pub fn message(seq: u64, subject: String, payload: Vec<u8>) -> StoredMessage {
    let mut headers = HeaderMap::new();
    headers.insert(subject::HEADER_SCHEMA, codec::SCHEMA);
    let time_us = TimeUs::from_micros(START.as_micros() + i64::try_from(seq).expect("small") * 1_000);
    StoredMessage { subject, seq, time_us, headers, payload: payload.into() }
}

/// What `workers` workers do, mixed, until there are so many events.
pub fn shift(workers: u128, events: usize, seed: u64) -> Vec<SessionEvent> {
    let mut dice = Dice::new(seed);
    let mut all = Vec::new();
    let mut crew: Vec<Worker> = Vec::new();
    for number in 0..workers {
        let (worker, opened) = Worker::opens(number);
        crew.push(worker);
        all.push(opened);
    }
    while all.len() < events {
        let who = dice.roll(workers as u64) as usize;
        all.extend(crew[who].does_something(&mut dice));
    }
    all
}
