//! The records that history answers with. Ids and times are the contract's; names are those the session kept.

use bus_schemas::{EventId, JobId, ReasonId, SessionId, StationId, TimeUs, WorkerId};
use chrono::{DateTime, Utc};
use sqlx::{FromRow, Row, postgres::PgRow};
use uuid::Uuid;

use crate::convert;

/// A session as the tables have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the session record, which the HTTP contract describes")]
pub struct SessionRow {
    pub id: SessionId,
    pub worker_id: WorkerId,
    pub station_id: StationId,
    pub job_id: JobId,
    /// `active`, `completed` or `aborted`.
    pub status: String,
    pub current_status: Option<String>,
    pub started_at_us: TimeUs,
    pub ended_at_us: Option<TimeUs>,
    pub total_good: i64,
    pub total_scrap: i64,
    pub start_checklist_completed: bool,
    pub end_checklist_completed: bool,
    pub last_seen_at_us: TimeUs,
    pub forced_closed_at_us: Option<TimeUs>,
    pub last_status_change_at_us: Option<TimeUs>,
    pub closed_cause: Option<String>,
    pub last_working_status: Option<String>,
    pub effective_end_at_us: Option<TimeUs>,
    pub created_at_us: TimeUs,
    pub updated_at_us: TimeUs,
    /// As it was when the session opened, like all names here.
    pub worker_name: String,
    pub station_code: String,
    pub station_name: String,
    pub station_type: String,
    pub job_number: String,
    pub customer_name: Option<String>,
    pub planned_quantity: Option<i64>,
    /// Note of the session's last interval.
    pub last_note: Option<String>,
    /// Number of the last event projected.
    pub version: u64,
    /// Stream sequence of that event.
    pub seq: u64,
    /// The number of an event that came although the one before had not: what happened since is not in this row.
    pub halted_at_version: Option<u64>,
}

/// One interval of one status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the status event record, which the HTTP contract describes")]
pub struct StatusEventRow {
    pub id: EventId,
    pub session_id: SessionId,
    pub status: String,
    pub reason_id: Option<ReasonId>,
    pub note: Option<String>,
    pub image_url: Option<String>,
    pub started_at_us: TimeUs,
    pub ended_at_us: Option<TimeUs>,
    pub reported_at_us: Option<TimeUs>,
}

/// One change of the totals.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the quantity change record, which the HTTP contract describes")]
pub struct QuantityChangeRow {
    pub id: EventId,
    pub session_id: SessionId,
    pub status_event_id: EventId,
    pub total_good: i64,
    pub total_scrap: i64,
    pub good_delta: i64,
    pub scrap_delta: i64,
    pub reason_id: Option<ReasonId>,
    pub at_us: TimeUs,
    pub reported_at_us: Option<TimeUs>,
}

/// One event of a session, as it stands in the log: what happened, when, and who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its number in the session, from 1.
    pub version: u64,
    /// What happened: `opened`, `checklist-completed`, `status-changed`, `quantities-reported`, `closed` or `carried`.
    pub kind: String,
    /// Who: `worker:<id>`, `admin:<account>` or `system`.
    pub actor: String,
    /// When, by the owner's clock.
    pub at_us: TimeUs,
    /// Its sequence in the log.
    pub seq: u64,
}

fn id<I: From<Uuid>>(row: &PgRow, column: &str) -> Result<I, sqlx::Error> {
    row.try_get::<Uuid, _>(column).map(I::from)
}

fn id_opt<I: From<Uuid>>(row: &PgRow, column: &str) -> Result<Option<I>, sqlx::Error> {
    Ok(row.try_get::<Option<Uuid>, _>(column)?.map(I::from))
}

fn time(row: &PgRow, column: &str) -> Result<TimeUs, sqlx::Error> {
    row.try_get::<DateTime<Utc>, _>(column).map(convert::time_us)
}

fn time_opt(row: &PgRow, column: &str) -> Result<Option<TimeUs>, sqlx::Error> {
    Ok(row.try_get::<Option<DateTime<Utc>>, _>(column)?.map(convert::time_us))
}

impl FromRow<'_, PgRow> for SessionRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: id(row, "id")?,
            worker_id: id(row, "worker_id")?,
            station_id: id(row, "station_id")?,
            job_id: id(row, "job_id")?,
            status: row.try_get("status")?,
            current_status: row.try_get("current_status")?,
            started_at_us: time(row, "started_at")?,
            ended_at_us: time_opt(row, "ended_at")?,
            total_good: row.try_get("total_good")?,
            total_scrap: row.try_get("total_scrap")?,
            start_checklist_completed: row.try_get("start_checklist_completed")?,
            end_checklist_completed: row.try_get("end_checklist_completed")?,
            last_seen_at_us: time(row, "last_seen_at")?,
            forced_closed_at_us: time_opt(row, "forced_closed_at")?,
            last_status_change_at_us: time_opt(row, "last_status_change_at")?,
            closed_cause: row.try_get("closed_cause")?,
            last_working_status: row.try_get("last_working_status")?,
            effective_end_at_us: time_opt(row, "effective_end_at")?,
            created_at_us: time(row, "created_at")?,
            updated_at_us: time(row, "updated_at")?,
            worker_name: row.try_get("worker_name")?,
            station_code: row.try_get("station_code")?,
            station_name: row.try_get("station_name")?,
            station_type: row.try_get("station_type")?,
            job_number: row.try_get("job_number")?,
            customer_name: row.try_get("customer_name")?,
            planned_quantity: row.try_get("planned_quantity")?,
            last_note: row.try_get("last_note")?,
            version: convert::unsigned(row.try_get("version")?),
            seq: convert::unsigned(row.try_get("seq")?),
            halted_at_version: row.try_get::<Option<i64>, _>("halted_at_version")?.map(convert::unsigned),
        })
    }
}

impl FromRow<'_, PgRow> for StatusEventRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: id(row, "id")?,
            session_id: id(row, "session_id")?,
            status: row.try_get("status")?,
            reason_id: id_opt(row, "reason_id")?,
            note: row.try_get("note")?,
            image_url: row.try_get("image_url")?,
            started_at_us: time(row, "started_at")?,
            ended_at_us: time_opt(row, "ended_at")?,
            reported_at_us: time_opt(row, "reported_at")?,
        })
    }
}

impl FromRow<'_, PgRow> for QuantityChangeRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: id(row, "id")?,
            session_id: id(row, "session_id")?,
            status_event_id: id(row, "status_event_id")?,
            total_good: row.try_get("total_good")?,
            total_scrap: row.try_get("total_scrap")?,
            good_delta: row.try_get("good_delta")?,
            scrap_delta: row.try_get("scrap_delta")?,
            reason_id: id_opt(row, "reason_id")?,
            at_us: time(row, "at")?,
            reported_at_us: time_opt(row, "reported_at")?,
        })
    }
}

impl FromRow<'_, PgRow> for EventRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            version: convert::unsigned(row.try_get("version")?),
            kind: row.try_get("kind")?,
            actor: row.try_get("actor")?,
            at_us: time(row, "at")?,
            seq: convert::unsigned(row.try_get("seq")?),
        })
    }
}
