//! One example of every message, with a value in every field somewhere.

use bus_schemas::{
    Actor, Claim, CloseCause, Command, CommandBody, CommandId, Done, Effect, EventId, EventKind, Extra, HandOver,
    Interval, JobId, NodeStatus, Partition, ReasonId, Refusal, RefusalCode, Reply, Ring, Session, SessionEvent,
    SessionId, SessionStatus, StationId, StatusCode, Taken, TakenWhy, TimeUs, WorkerId, WorkerState,
    command::{AbandonReason, Answer, ChecklistKind, QuantityReport},
    heartbeat::{Beat, Echo, HeartbeatAck, HeartbeatMessage, Heartbeats},
    seen::{LastSeen, SeenRow},
    state::Names,
};
use uuid::Uuid;

pub const WORKER: WorkerId = WorkerId(Uuid::from_u128(0x0190_a5c0_0000_7000_8000_0000_0000_0001));
pub const STATION: StationId = StationId(Uuid::from_u128(0x0190_a5c0_0000_7000_8000_0000_0000_0002));
pub const REASON: ReasonId = ReasonId(Uuid::from_u128(0x0190_a5c0_0000_7000_8000_0000_0000_0003));
const SESSION: SessionId = SessionId(Uuid::from_u128(0x0190_a5c0_0000_5000_8000_0000_0000_0004));
const BEFORE: SessionId = SessionId(Uuid::from_u128(0x0190_a5c0_0000_5000_8000_0000_0000_0005));
const GATEWAY: Uuid = Uuid::from_u128(0x0190_a5c0_0000_7000_8000_0000_0000_0006);

/// `seconds` after the first moment of the examples.
pub const fn at(seconds: i64) -> TimeUs {
    TimeUs::from_micros(1_700_000_000_123_456 + seconds * 1_000_000)
}

fn event_id(number: u128) -> EventId {
    EventId(Uuid::from_u128(0x0190_a5c0_0000_5000_8000_0000_0001_0000 + number))
}

pub fn code(text: &str) -> StatusCode {
    text.parse().expect("a status code")
}

pub fn command_id() -> CommandId {
    "tablet-7:000123".parse().expect("a command id")
}

/// A command of this body.
pub fn command(body: CommandBody) -> Command {
    Command {
        id: command_id(),
        worker_id: WORKER,
        actor: Actor::Worker(WORKER),
        expires_at_us: at(61),
        directory_seq: 300,
        gateway_id: GATEWAY,
        reported_at_us: Some(at(59)),
        body,
    }
}

/// Every body, and both forms of those that have two.
pub fn bodies() -> Vec<CommandBody> {
    let quantities = |report| CommandBody::Quantities { session_id: SESSION, report };
    let abandon = |reason| CommandBody::Abandon { session_id: SESSION, reason };
    vec![
        CommandBody::Open { station_id: STATION, job_number: "4711".into() },
        CommandBody::Checklist {
            session_id: SESSION,
            station_id: STATION,
            list: ChecklistKind::Start,
            answers: vec![
                Answer { item_id: "oil".into(), value_bool: Some(true), value_text: None },
                Answer { item_id: "paper".into(), value_bool: None, value_text: Some("נייר A4".into()) },
            ],
        },
        CommandBody::Status {
            session_id: SESSION,
            status: code("fault"),
            reason_id: Some(REASON),
            note: Some("paper jam".into()),
            image_url: Some("/uploads/1.png".into()),
        },
        quantities(QuantityReport::Totals { good: Some(1_000_000_000), scrap: Some(0), reason_id: Some(REASON) }),
        quantities(QuantityReport::Deltas { good: Some(-5), scrap: Some(2), reason_id: None }),
        CommandBody::Complete { session_id: SESSION },
        abandon(AbandonReason::WorkerChoice),
        abandon(AbandonReason::Expired),
        CommandBody::AdminClose { session_id: SESSION },
        CommandBody::Look,
    ]
}

/// Every reply.
pub fn replies() -> Vec<Reply> {
    let done = Done {
        effect: Effect::Stored,
        session: Some(session()),
        interval: Some(interval()),
        seq: 4_242,
        grace_expires_at_us: Some(at(360)),
    };
    let refusal = Refusal {
        code: RefusalCode::ChecklistIncomplete,
        message: "required items have no answer".into(),
        session: Some(closed()),
        missing: vec!["oil".into()],
        grace_expires_at_us: Some(at(360)),
    };
    vec![
        Reply::Done(Box::new(done)),
        Reply::Refused(Box::new(refusal)),
        Reply::Wait { until_us: at(360) },
        Reply::NotOwner,
        Reply::Busy { why: "no permit".into() },
        Reply::Expired,
        Reply::Unknown,
        Reply::LogFull,
        Reply::Poison { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into() },
    ]
}

/// The running interval of the examples, with everything that can be said of one.
fn interval() -> Interval {
    Interval {
        id: event_id(3),
        status: code("fault"),
        reason_id: Some(REASON),
        note: Some("paper jam".into()),
        image_url: Some("/uploads/1.png".into()),
        started_at_us: at(60),
        ended_at_us: None,
        reported_at_us: Some(at(59)),
        extra: Extra::new(),
    }
}

fn names() -> Names {
    Names {
        worker: "Dana Levi".into(),
        station_code: "P1".into(),
        station: "Press 1".into(),
        station_type: "offset".into(),
        job_number: "4711".into(),
        customer: Some("Acme".into()),
        planned_quantity: Some(5_000),
        extra: Extra::new(),
    }
}

/// An active session in a fault.
fn session() -> Session {
    Session {
        id: SESSION,
        version: 3,
        worker_id: WORKER,
        station_id: STATION,
        job_id: JobId::of("4711"),
        names: names(),
        status: SessionStatus::Active,
        start_checklist_completed: true,
        end_checklist_completed: false,
        required_start: Box::default(),
        required_end: ["clean".into()].into(),
        opened_at_us: at(0),
        started_at_us: at(30),
        ended_at_us: None,
        effective_end_at_us: None,
        forced_closed_at_us: None,
        closed_cause: None,
        current_status: Some(code("fault")),
        last_status_change_at_us: Some(at(60)),
        last_working_status: None,
        total_good: 120,
        total_scrap: 3,
        open: Some(interval()),
        last_proof_at_us: at(60),
        updated_at_us: at(60),
        extra: Extra::new(),
    }
}

/// A session that closed idle, with everything that a closed one has.
fn closed() -> Session {
    Session {
        id: BEFORE,
        version: 9,
        status: SessionStatus::Completed,
        required_start: ["oil".into()].into(),
        ended_at_us: Some(at(-10)),
        effective_end_at_us: Some(at(-310)),
        forced_closed_at_us: Some(at(-10)),
        closed_cause: Some(CloseCause::Idle),
        current_status: Some(StatusCode::stopped()),
        last_working_status: Some(code("production")),
        open: None,
        ..session()
    }
}

/// A worker's state with a session, one before it, and an accepted command.
pub fn state() -> WorkerState {
    let mut ring = Ring::default();
    ring.push(&"older".parse().expect("a command id"), 0x0123_4567_89ab_cdef);
    ring.resolve(4_241);
    ring.push(&command_id(), 7);
    WorkerState { session: session(), previous: Some(Box::new(closed())), ring, extra: Extra::new() }
}

/// Every kind of event.
pub fn events() -> Vec<SessionEvent> {
    let ended = |interval: Interval| Interval { ended_at_us: Some(at(60)), ..interval };
    let with = |kind, ended| SessionEvent {
        event_id: event_id(3),
        session_id: SESSION,
        version: 3,
        command_id: command_id(),
        kind,
        at_us: at(60),
        actor: Actor::Worker(WORKER),
        state: state(),
        ended,
        extra: Extra::new(),
    };
    let items = vec!["paper".into(), "oil".into()];
    let quantities = EventKind::QuantitiesReported {
        good_delta: 20,
        scrap_delta: -1,
        reason_id: Some(REASON),
        status_event_id: event_id(3),
        reported_at_us: Some(at(59)),
    };
    let closed = EventKind::Closed { cause: CloseCause::Admin, note: Some("admin-close".into()) };
    vec![
        with(EventKind::Opened { replaces: Some(BEFORE) }, vec![]),
        with(EventKind::ChecklistCompleted { list: ChecklistKind::End, items }, vec![]),
        with(EventKind::StatusChanged, vec![ended(interval())]),
        with(quantities, vec![]),
        SessionEvent { actor: Actor::Admin("noa".into()), ..with(closed, vec![ended(interval()), ended(interval())]) },
        SessionEvent { actor: Actor::System, ..with(EventKind::Carried, vec![]) },
    ]
}

pub fn claim() -> Claim {
    Claim {
        node_id: "plant-1-k3v9".into(),
        at_us: at(0),
        released: false,
        taken: None,
        successor: None,
        extra: Extra::new(),
    }
}

pub fn claim_taken() -> Claim {
    let taken = Taken { at_us: at(0), why: TakenWhy::Silent, from: Some("plant-2-x0a7".into()) };
    Claim { at_us: at(60), taken: Some(taken), ..claim() }
}

pub fn claim_handed_over() -> Claim {
    Claim { released: true, successor: Some("plant-2-x0a7".into()), ..claim() }
}

pub fn hand_over() -> HandOver {
    HandOver { node_id: "plant-2-x0a7".into(), partitions: vec![Partition::new(7), Partition::new(255)] }
}

pub fn node_status() -> NodeStatus {
    NodeStatus {
        node_id: "plant-1-k3v9".into(),
        started_at_us: at(0),
        ready: true,
        owned: 256,
        sessions: 50_000,
        log_seq: 4_242,
        leaving: false,
    }
}

pub fn node_leaving() -> NodeStatus {
    NodeStatus { leaving: true, ..node_status() }
}

/// Both messages of a node's heartbeat subject.
pub fn heartbeats() -> Vec<HeartbeatMessage> {
    let beat = Beat { session_id: SESSION, partition: Partition::of(WORKER), age_ms: 42 };
    let beats =
        Heartbeats { gateway_id: GATEWAY, counter: 17, roll_call: true, newest_claim_seq: 4_000, beats: vec![beat] };
    vec![HeartbeatMessage::Beats(beats), HeartbeatMessage::Echo(Echo { node_id: "plant-1-k3v9".into(), number: 99 })]
}

pub fn heartbeat_ack() -> HeartbeatAck {
    HeartbeatAck { node_id: "plant-1-k3v9".into(), counter: 17 }
}

pub fn last_seen() -> LastSeen {
    LastSeen { claim_seq: 4_000, at_us: at(60), seen: vec![SeenRow { session_id: SESSION, last_seen_at_us: at(59) }] }
}
