//! Sessions and events that tests of this crate begin with.

use bus_schemas::{
    Actor, CommandId, EventId, EventKind, Extra, JobId, Ring, Session, SessionEvent, SessionId, SessionStatus,
    StationId, TimeUs, WorkerId, WorkerState, state::Names,
};
use uuid::Uuid;

/// Microseconds of the moment that everything in tests happens at.
pub const NOW_US: i64 = 1_780_000_000_000_000;

/// An active session that has not passed its start gate.
pub fn session(worker: u128, id: u128) -> Session {
    let now = TimeUs::from_micros(NOW_US);
    Session {
        id: SessionId(Uuid::from_u128(id)),
        version: 1,
        worker_id: WorkerId(Uuid::from_u128(worker)),
        station_id: StationId(Uuid::from_u128(77)),
        job_id: JobId::of("J-1"),
        names: Names {
            worker: "Noa Levi".into(),
            station_code: "OFF-1".into(),
            station: "Offset 1".into(),
            station_type: "offset".into(),
            job_number: "J-1".into(),
            customer: None,
            planned_quantity: None,
            extra: Extra::new(),
        },
        status: SessionStatus::Active,
        start_checklist_completed: false,
        end_checklist_completed: false,
        required_start: Box::default(),
        required_end: Box::default(),
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

/// The event that left this session so.
pub fn event(session: Session) -> SessionEvent {
    let command_id: CommandId = "test".parse().unwrap();
    SessionEvent {
        event_id: EventId::derive(session.worker_id, &command_id, session.updated_at_us, 0),
        session_id: session.id,
        version: session.version,
        command_id,
        kind: EventKind::Opened { replaces: None },
        at_us: session.updated_at_us,
        actor: Actor::Worker(session.worker_id),
        state: WorkerState { session, previous: None, ring: Ring::default(), extra: Extra::new() },
        ended: Vec::new(),
        extra: Extra::new(),
    }
}
