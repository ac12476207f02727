//! Sessions and their intervals in JSON.

use bus_schemas::{Interval, Session, SessionId, TimeUs};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{JobBrief, StationBrief, Time, WorkerBrief};

/// A session.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionRecord {
    id: Uuid,
    worker_id: Uuid,
    station_id: Uuid,
    job_id: Uuid,
    status: Box<str>,
    current_status: Option<Box<str>>,
    #[schema(value_type = String, format = DateTime)]
    started_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Time>,
    total_good: i64,
    total_scrap: i64,
    start_checklist_completed: bool,
    end_checklist_completed: bool,
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    forced_closed_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_status_change_at: Option<Time>,
    closed_cause: Option<Box<str>>,
    last_working_status: Option<Box<str>>,
    #[schema(value_type = Option<String>, format = DateTime)]
    effective_end_at: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl SessionRecord {
    /// The session; `last_seen` when something newer is known than its last event.
    #[must_use]
    pub fn of(session: &Session, last_seen: Option<TimeUs>) -> Self {
        let last_seen = session.last_proof_at_us.max(last_seen.unwrap_or(session.last_proof_at_us));
        Self {
            id: session.id.0,
            worker_id: session.worker_id.0,
            station_id: session.station_id.0,
            job_id: session.job_id.0,
            status: session.status.as_str().into(),
            current_status: session.current_status.as_ref().map(|code| code.as_str().into()),
            started_at: Time(session.started_at_us),
            ended_at: session.ended_at_us.map(Time),
            total_good: session.total_good,
            total_scrap: session.total_scrap,
            start_checklist_completed: session.start_checklist_completed,
            end_checklist_completed: session.end_checklist_completed,
            last_seen_at: Time(last_seen),
            forced_closed_at: session.forced_closed_at_us.map(Time),
            last_status_change_at: session.last_status_change_at_us.map(Time),
            closed_cause: session.closed_cause.map(|cause| cause.as_str().into()),
            last_working_status: session.last_working_status.as_ref().map(|code| code.as_str().into()),
            effective_end_at: session.effective_end_at_us.map(Time),
            created_at: Time(session.opened_at_us),
            updated_at: Time(session.updated_at_us),
        }
    }
}

/// A session as history has it.
impl From<&persistence::SessionRow> for SessionRecord {
    fn from(row: &persistence::SessionRow) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(Into::into);
        Self {
            id: row.id.0,
            worker_id: row.worker_id.0,
            station_id: row.station_id.0,
            job_id: row.job_id.0,
            status: row.status.as_str().into(),
            current_status: text(&row.current_status),
            started_at: Time(row.started_at_us),
            ended_at: row.ended_at_us.map(Time),
            total_good: row.total_good,
            total_scrap: row.total_scrap,
            start_checklist_completed: row.start_checklist_completed,
            end_checklist_completed: row.end_checklist_completed,
            last_seen_at: Time(row.last_seen_at_us),
            forced_closed_at: row.forced_closed_at_us.map(Time),
            last_status_change_at: row.last_status_change_at_us.map(Time),
            closed_cause: text(&row.closed_cause),
            last_working_status: text(&row.last_working_status),
            effective_end_at: row.effective_end_at_us.map(Time),
            created_at: Time(row.created_at_us),
            updated_at: Time(row.updated_at_us),
        }
    }
}

/// A session in an admin's list: with the names it was opened with.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionRow {
    /// The session.
    #[serde(flatten)]
    pub session: SessionRecord,
    /// Who.
    pub worker: WorkerBrief,
    /// Where.
    pub station: StationBrief,
    /// On what.
    pub job: JobBrief,
    /// The last note on it.
    pub last_note: Option<Box<str>>,
    /// Open for longer than `ANDON_MAX_SESSION`: probably forgotten.
    pub overlong: bool,
}

impl SessionRow {
    /// A row of the live view.
    #[must_use]
    pub fn of(session: &Session, last_seen: Option<TimeUs>, last_note: Option<&str>, overlong: bool) -> Self {
        let names = &session.names;
        Self {
            session: SessionRecord::of(session, last_seen),
            worker: WorkerBrief { id: session.worker_id.0, full_name: names.worker.clone() },
            station: StationBrief {
                id: session.station_id.0,
                name: names.station.clone(),
                code: names.station_code.clone(),
                station_type: names.station_type.clone(),
            },
            job: JobBrief {
                id: session.job_id.0,
                job_number: names.job_number.clone(),
                customer_name: names.customer.clone(),
                planned_quantity: names.planned_quantity,
            },
            last_note: last_note.map(Into::into),
            overlong,
        }
    }
}

impl SessionRow {
    /// A row of history.
    #[must_use]
    pub fn of_history(row: &persistence::SessionRow, overlong: bool) -> Self {
        Self {
            session: row.into(),
            worker: WorkerBrief { id: row.worker_id.0, full_name: row.worker_name.as_str().into() },
            station: StationBrief {
                id: row.station_id.0,
                name: row.station_name.as_str().into(),
                code: row.station_code.as_str().into(),
                station_type: row.station_type.as_str().into(),
            },
            job: JobBrief {
                id: row.job_id.0,
                job_number: row.job_number.as_str().into(),
                customer_name: row.customer_name.as_deref().map(Into::into),
                planned_quantity: row.planned_quantity,
            },
            last_note: row.last_note.as_deref().map(Into::into),
            overlong: overlong && row.ended_at_us.is_none(),
        }
    }
}

/// One interval of one status.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StatusEventRecord {
    id: Uuid,
    session_id: Uuid,
    status: Box<str>,
    reason_id: Option<Uuid>,
    note: Option<Box<str>>,
    image_url: Option<Box<str>>,
    #[schema(value_type = String, format = DateTime)]
    started_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    reported_at: Option<Time>,
}

impl StatusEventRecord {
    /// An interval of this session.
    #[must_use]
    pub fn of(session: SessionId, interval: &Interval) -> Self {
        Self {
            id: interval.id.0,
            session_id: session.0,
            status: interval.status.as_str().into(),
            reason_id: interval.reason_id.map(|id| id.0),
            note: interval.note.clone(),
            image_url: interval.image_url.clone(),
            started_at: Time(interval.started_at_us),
            ended_at: interval.ended_at_us.map(Time),
            reported_at: interval.reported_at_us.map(Time),
        }
    }
}

impl From<&persistence::StatusEventRow> for StatusEventRecord {
    fn from(row: &persistence::StatusEventRow) -> Self {
        Self {
            id: row.id.0,
            session_id: row.session_id.0,
            status: row.status.as_str().into(),
            reason_id: row.reason_id.map(|id| id.0),
            note: row.note.as_deref().map(Into::into),
            image_url: row.image_url.as_deref().map(Into::into),
            started_at: Time(row.started_at_us),
            ended_at: row.ended_at_us.map(Time),
            reported_at: row.reported_at_us.map(Time),
        }
    }
}

/// One change of the totals.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QuantityChangeRecord {
    id: Uuid,
    session_id: Uuid,
    status_event_id: Uuid,
    total_good: i64,
    total_scrap: i64,
    good_delta: i64,
    scrap_delta: i64,
    reason_id: Option<Uuid>,
    #[schema(value_type = String, format = DateTime)]
    at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    reported_at: Option<Time>,
}

impl From<&persistence::QuantityChangeRow> for QuantityChangeRecord {
    fn from(row: &persistence::QuantityChangeRow) -> Self {
        Self {
            id: row.id.0,
            session_id: row.session_id.0,
            status_event_id: row.status_event_id.0,
            total_good: row.total_good,
            total_scrap: row.total_scrap,
            good_delta: row.good_delta,
            scrap_delta: row.scrap_delta,
            reason_id: row.reason_id.map(|id| id.0),
            at: Time(row.at_us),
            reported_at: row.reported_at_us.map(Time),
        }
    }
}

/// One event of a session: what happened, when, and who did it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventRecord {
    /// Its number in the session, from 1.
    version: u64,
    /// `opened`, `checklist-completed`, `status-changed`, `quantities-reported`, `closed` or `carried`.
    kind: Box<str>,
    /// `worker:<id>`, `admin:<account>` or `system`.
    actor: Box<str>,
    #[schema(value_type = String, format = DateTime)]
    at: Time,
    /// Its sequence in the log.
    sequence: u64,
}

impl From<&persistence::EventRow> for EventRecord {
    fn from(row: &persistence::EventRow) -> Self {
        Self {
            version: row.version,
            kind: row.kind.as_str().into(),
            actor: row.actor.as_str().into(),
            at: Time(row.at_us),
            sequence: row.seq,
        }
    }
}
