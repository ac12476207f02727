//! A small factory and one worker's chain, for the tests of the rules. Every event that a test makes is checked against
//! the state before it.

use std::time::Duration;

use bus_schemas::{
    Actor, Command, CommandBody, Done, Extra, Interval, ReasonId, Refusal, RefusalCode, Session, SessionEvent,
    SessionId, StationId, StatusCode, TimeUs, WorkerId, WorkerState,
    command::{Answer, ChecklistKind, QuantityReport},
    directory::{Change, Directory, DirectoryEvent, Record},
    records::{
        Assignment, ChecklistItem, Job, Language, Reason, ReasonType, Station, StationType, Status, Worker, WorkerRole,
    },
    status::MachineClass,
};
use uuid::Uuid;

use super::{Ask, Context, Decision, apply, decide, fold_check};

pub(crate) const WORKER: WorkerId = WorkerId(Uuid::from_u128(1));
/// Asks two required items and an optional one before work, one after.
pub(crate) const PRESS: StationId = StationId(Uuid::from_u128(11));
/// Asks nothing.
pub(crate) const BENCH: StationId = StationId(Uuid::from_u128(12));
/// Assigned, not active.
pub(crate) const RETIRED: StationId = StationId(Uuid::from_u128(13));
/// Active, not assigned.
pub(crate) const FOREIGN: StationId = StationId(Uuid::from_u128(14));
pub(crate) const JAM: ReasonId = ReasonId(Uuid::from_u128(21));
pub(crate) const OLD_REASON: ReasonId = ReasonId(Uuid::from_u128(22));
pub(crate) const SMEARED: ReasonId = ReasonId(Uuid::from_u128(23));
pub(crate) const OLD_SCRAP: ReasonId = ReasonId(Uuid::from_u128(24));
/// A deadline in these tests is five minutes after the last sign of life.
pub(crate) const START: TimeUs = TimeUs::from_micros(1_700_000_000_000_000);

/// The factory, the chain of [`WORKER`], and a clock.
pub(crate) struct Floor {
    pub(crate) directory: Directory,
    pub(crate) state: Option<WorkerState>,
    pub(crate) now: TimeUs,
    pub(crate) deadline: Option<TimeUs>,
    pub(crate) events: Vec<SessionEvent>,
    directory_seq: u64,
    commands: u64,
}

impl Floor {
    /// Nobody has worked yet.
    pub(crate) fn new() -> Self {
        let mut floor = Self {
            directory: Directory::default(),
            state: None,
            now: START,
            deadline: None,
            events: Vec::new(),
            directory_seq: 0,
            commands: 0,
        };
        records().into_iter().for_each(|record| floor.put(record));
        floor
    }

    /// A session at the press, before its start gate.
    pub(crate) fn pending() -> (Self, SessionId) {
        let mut floor = Self::new();
        let id = floor.open(PRESS);
        floor.wait(Duration::from_secs(60));
        (floor, id)
    }

    /// A session at the press, one minute after its start gate.
    pub(crate) fn working() -> (Self, SessionId) {
        let (mut floor, id) = Self::pending();
        floor.stored(start(id));
        floor.wait(Duration::from_secs(60));
        (floor, id)
    }

    /// A session that was completed.
    pub(crate) fn completed() -> (Self, SessionId) {
        let (mut floor, id) = Self::working();
        floor.stored(end(id));
        floor.stored(CommandBody::Complete { session_id: id });
        floor.wait(Duration::from_secs(60));
        (floor, id)
    }

    /// Edits the directory.
    pub(crate) fn put(&mut self, record: Record) {
        self.directory_seq += 1;
        let event =
            DirectoryEvent { at_us: START, actor: Actor::System, change: Change::Put(record), extra: Extra::new() };
        self.directory.apply(self.directory_seq, event);
    }

    pub(crate) fn wait(&mut self, span: Duration) {
        self.now = self.now.after(span);
    }

    pub(crate) fn session(&self) -> &Session {
        &self.state.as_ref().expect("a session").session
    }

    /// The worker's next command.
    pub(crate) fn command(&mut self, body: CommandBody) -> Command {
        self.commands += 1;
        Command {
            id: format!("command-{}", self.commands).parse().expect("an id"),
            worker_id: WORKER,
            actor: Actor::Worker(WORKER),
            expires_at_us: self.now,
            directory_seq: self.directory_seq,
            gateway_id: Uuid::from_u128(99),
            reported_at_us: None,
            body,
        }
    }

    /// Decides, and stores what is to be published.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<Decision, Refusal> {
        let context = Context { directory: &self.directory, now: self.now, deadline: self.deadline };
        let decision = decide(self.state.as_ref(), ask, &context)?;
        if let Decision::Publish(events) = &decision {
            assert!((1..=2).contains(&events.len()), "one event, or two of a replace: {events:?}");
            events.iter().for_each(|event| self.store(event));
        }
        Ok(decision)
    }

    /// The stream sequence of the worker's last event: others' lie between.
    pub(crate) fn seq(&self) -> u64 {
        seq_of(self.events.len())
    }

    fn store(&mut self, event: &SessionEvent) {
        assert_eq!(fold_check(self.state.as_ref(), event), Ok(()), "{event:?}");
        self.events.push(event.clone());
        self.state = Some(apply(self.state.as_ref(), event, self.seq()));
    }

    pub(crate) fn send(&mut self, body: CommandBody) -> Result<Decision, Refusal> {
        let command = self.command(body);
        self.ask(&Ask::Command(&command))
    }

    /// The event a command makes; it must make exactly one.
    pub(crate) fn stored(&mut self, body: CommandBody) -> SessionEvent {
        match self.send(body.clone()) {
            Ok(Decision::Publish(events)) if events.len() == 1 => events.into_iter().next().expect("one"),
            other => panic!("{body:?} should make one event: {other:?}"),
        }
    }

    /// The answer to a command that must change nothing.
    pub(crate) fn nothing(&mut self, body: CommandBody) -> Done {
        match self.send(body.clone()) {
            Ok(Decision::Nothing(done)) => done,
            other => panic!("{body:?} should change nothing: {other:?}"),
        }
    }

    /// The refusal of a command that must be refused.
    pub(crate) fn refusal(&mut self, body: CommandBody) -> Refusal {
        let before = self.state.clone();
        let refusal = self.send(body).expect_err("a refusal");
        assert_eq!(self.state, before, "a refusal changes nothing");
        refusal
    }

    pub(crate) fn refused(&mut self, body: CommandBody) -> RefusalCode {
        self.refusal(body).code
    }

    /// Opens a session on job 4711.
    pub(crate) fn open(&mut self, station: StationId) -> SessionId {
        self.send(open(station, "4711")).expect("accepted");
        self.session().id
    }

    /// The intervals of a session, ended and running, in order.
    pub(crate) fn intervals(&self, session: &Session) -> Vec<Interval> {
        let id = session.id;
        let own = self.events.iter().filter(|event| event.session_id == id);
        own.flat_map(|event| event.ended.clone()).chain(session.open.clone()).collect()
    }
}

/// The stream sequence of the worker's `nth` event, from 1.
pub(crate) const fn seq_of(nth: usize) -> u64 {
    1_000 + 7 * nth as u64
}

pub(crate) fn open(station_id: StationId, job_number: &str) -> CommandBody {
    CommandBody::Open { station_id, job_number: job_number.into() }
}

pub(crate) fn checklist(
    session_id: SessionId,
    station_id: StationId,
    list: ChecklistKind,
    ticked: &[&str],
) -> CommandBody {
    let answers = ticked
        .iter()
        .map(|item| Answer { item_id: (*item).into(), value_bool: Some(true), value_text: None })
        .collect();
    CommandBody::Checklist { session_id, station_id, list, answers }
}

/// The press's start list, answered.
pub(crate) fn start(session_id: SessionId) -> CommandBody {
    checklist(session_id, PRESS, ChecklistKind::Start, &["paper", "oil"])
}

/// The press's end list, answered.
pub(crate) fn end(session_id: SessionId) -> CommandBody {
    checklist(session_id, PRESS, ChecklistKind::End, &["clean"])
}

pub(crate) fn code(code: &str) -> StatusCode {
    code.parse().expect("a status code")
}

pub(crate) fn status(session_id: SessionId, status: &str) -> CommandBody {
    CommandBody::Status { session_id, status: code(status), reason_id: None, note: None, image_url: None }
}

pub(crate) fn totals(session_id: SessionId, good: Option<i64>, scrap: Option<i64>) -> CommandBody {
    CommandBody::Quantities { session_id, report: QuantityReport::Totals { good, scrap, reason_id: None } }
}

pub(crate) fn item(id: &str, order_index: i32, is_required: bool) -> ChecklistItem {
    let label = || id.into();
    ChecklistItem { id: id.into(), order_index, label_he: label(), label_ru: label(), label_en: label(), is_required }
}

pub(crate) fn worker(is_active: bool) -> Worker {
    let assignments = [PRESS, BENCH, RETIRED].map(|station_id| Assignment { station_id, created_at_us: START });
    Worker {
        id: WORKER,
        full_name: "Dana".into(),
        language: Language::Auto,
        role: WorkerRole::Worker,
        is_active,
        assignments: assignments.into(),
        created_at_us: START,
        updated_at_us: START,
        extra: Extra::new(),
    }
}

pub(crate) fn station(id: StationId, name: &str, start: &[ChecklistItem], end: &[ChecklistItem]) -> Station {
    Station {
        id,
        name: name.into(),
        code: name.to_uppercase().into(),
        station_type: StationType::Offset,
        is_active: true,
        start_checklist: start.into(),
        end_checklist: end.into(),
        created_at_us: START,
        updated_at_us: START,
        extra: Extra::new(),
    }
}

pub(crate) fn press() -> Station {
    // Not in order: the list is sorted by its index.
    let start = [item("oil", 2, true), item("paper", 1, true), item("radio", 3, false)];
    station(PRESS, "press", &start, &[item("clean", 1, true)])
}

pub(crate) fn reason(id: ReasonId, kind: ReasonType, is_active: bool) -> Record {
    let label = || "reason".into();
    Record::Reason(Reason {
        id,
        kind,
        label_he: label(),
        label_ru: label(),
        label_en: label(),
        is_active,
        extra: Extra::new(),
    })
}

pub(crate) fn chosen(text: &str, station_id: Option<StationId>, requires_reason: bool, is_active: bool) -> Record {
    let label = || text.into();
    Record::Status(Status {
        code: code(text),
        label_he: label(),
        label_ru: label(),
        label_en: label(),
        color: "#000000".into(),
        machine_class: MachineClass::Stoppage,
        station_id,
        requires_reason,
        is_active,
        built_in: false,
        extra: Extra::new(),
    })
}

fn records() -> Vec<Record> {
    let retired = Station { is_active: false, ..station(RETIRED, "retired", &[], &[]) };
    let job = Job {
        id: bus_schemas::JobId::of("4711"),
        job_number: "4711".into(),
        customer_name: Some("Acme".into()),
        description: None,
        planned_quantity: Some(500),
        created_at_us: START,
        updated_at_us: START,
        extra: Extra::new(),
    };
    vec![
        Record::Worker(worker(true)),
        Record::Station(press()),
        Record::Station(station(BENCH, "bench", &[], &[])),
        Record::Station(retired),
        Record::Station(station(FOREIGN, "foreign", &[], &[])),
        Record::Job(job),
        reason(JAM, ReasonType::Stop, true),
        reason(OLD_REASON, ReasonType::Stop, false),
        reason(SMEARED, ReasonType::Scrap, true),
        reason(OLD_SCRAP, ReasonType::Scrap, false),
        chosen("cleaning", Some(PRESS), false, true),
        chosen("elsewhere", Some(BENCH), false, true),
        chosen("explained", None, true, true),
        chosen("gone", None, false, false),
    ]
}
