//! The statements that write a plan: one UNNEST statement a table, however many rows.

use std::collections::HashMap;

use bus_schemas::SessionId;
use sqlx::{PgConnection, Postgres, Transaction};

use super::{
    WriteError,
    plan::Plan,
    rows::{IntervalRow, JobRow, LogRow, QuantityRow, SessionUpsert},
};
use crate::{convert, quarantine};

type Tx<'t> = Transaction<'t, Postgres>;

/// One column of some rows, for `UNNEST`.
pub fn column<'r, R, T>(rows: &'r [R], of: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// The version of each of these sessions in the tables; one without a row is left out.
pub async fn known_versions(
    connection: &mut PgConnection,
    sessions: &[SessionId],
) -> Result<HashMap<SessionId, u64>, sqlx::Error> {
    let rows: Vec<(uuid::Uuid, i64)> = sqlx::query_as("SELECT id, version FROM sessions WHERE id = ANY($1)")
        .bind(column(sessions, |session| session.0))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|(id, version)| (SessionId(id), convert::unsigned(version))).collect())
}

/// Writes everything of a plan.
pub async fn plan(tx: &mut Tx<'_>, stream: &'static str, plan: &Plan<'_>) -> Result<(), WriteError> {
    // An empty statement is a round trip for nothing.
    if !plan.events.is_empty() {
        events(tx, &plan.events).await?;
        sessions(tx, &plan.sessions).await?;
    }
    if !plan.intervals.is_empty() {
        intervals(tx, &plan.intervals).await?;
    }
    if !plan.quantities.is_empty() {
        quantities(tx, &plan.quantities).await?;
    }
    if !plan.jobs.is_empty() {
        jobs(tx, &plan.jobs).await?;
    }
    if !plan.halted.is_empty() {
        halted(tx, &plan.halted).await?;
    }
    quarantine::write(tx, stream, &plan.quarantined).await
}

async fn events(tx: &mut Tx<'_>, rows: &[LogRow<'_>]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO session_events \
         (seq, event_id, session_id, version, kind, command_id, actor, at, stored_at, detail) \
         SELECT * FROM UNNEST($1::bigint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], \
         $7::text[], $8::timestamptz[], $9::timestamptz[], $10::jsonb[]) \
         ON CONFLICT DO NOTHING",
    )
    .bind(column(rows, |row| row.seq))
    .bind(column(rows, |row| row.event_id))
    .bind(column(rows, |row| row.session_id))
    .bind(column(rows, |row| row.version))
    .bind(column(rows, |row| row.kind))
    .bind(column(rows, |row| row.command_id))
    .bind(column(rows, |row| row.actor.as_str()))
    .bind(column(rows, |row| row.at))
    .bind(column(rows, |row| row.stored_at))
    .bind(column(rows, |row| row.detail.as_ref()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// `last_seen_at` never goes backwards: the last-seen tables may have been further than this event. Only an idle close
/// sets it outright, because its intervals end there.
const SESSIONS: &str = "\
INSERT INTO sessions (id, worker_id, station_id, job_id, status, current_status, started_at, ended_at, total_good, \
 total_scrap, start_checklist_completed, end_checklist_completed, last_seen_at, forced_closed_at, \
 last_status_change_at, closed_cause, last_working_status, effective_end_at, created_at, updated_at, worker_name, \
 station_code, station_name, station_type, job_number, customer_name, planned_quantity, version, seq) \
SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], \
 $8::timestamptz[], $9::bigint[], $10::bigint[], $11::boolean[], $12::boolean[], $13::timestamptz[], \
 $14::timestamptz[], $15::timestamptz[], $16::text[], $17::text[], $18::timestamptz[], $19::timestamptz[], \
 $20::timestamptz[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], $27::bigint[], \
 $28::bigint[], $29::bigint[]) \
ON CONFLICT (id) DO UPDATE SET worker_id = excluded.worker_id, station_id = excluded.station_id, \
 job_id = excluded.job_id, status = excluded.status, current_status = excluded.current_status, \
 started_at = excluded.started_at, ended_at = excluded.ended_at, total_good = excluded.total_good, \
 total_scrap = excluded.total_scrap, start_checklist_completed = excluded.start_checklist_completed, \
 end_checklist_completed = excluded.end_checklist_completed, \
 last_seen_at = CASE WHEN excluded.closed_cause = 'idle' THEN excluded.last_seen_at \
  ELSE greatest(sessions.last_seen_at, excluded.last_seen_at) END, \
 forced_closed_at = excluded.forced_closed_at, last_status_change_at = excluded.last_status_change_at, \
 closed_cause = excluded.closed_cause, last_working_status = excluded.last_working_status, \
 effective_end_at = excluded.effective_end_at, created_at = excluded.created_at, updated_at = excluded.updated_at, \
 worker_name = excluded.worker_name, station_code = excluded.station_code, station_name = excluded.station_name, \
 station_type = excluded.station_type, job_number = excluded.job_number, customer_name = excluded.customer_name, \
 planned_quantity = excluded.planned_quantity, version = excluded.version, seq = excluded.seq \
WHERE excluded.version > sessions.version";

async fn sessions(tx: &mut Tx<'_>, rows: &[SessionUpsert<'_>]) -> Result<(), sqlx::Error> {
    sqlx::query(SESSIONS)
        .bind(column(rows, |row| row.session.id.0))
        .bind(column(rows, |row| row.session.worker_id.0))
        .bind(column(rows, |row| row.session.station_id.0))
        .bind(column(rows, |row| row.session.job_id.0))
        .bind(column(rows, |row| row.session.status.as_str()))
        .bind(column(rows, |row| row.session.current_status.as_ref().map(|status| status.as_str())))
        .bind(column(rows, |row| row.started_at))
        .bind(column(rows, |row| row.ended_at))
        .bind(column(rows, |row| row.session.total_good))
        .bind(column(rows, |row| row.session.total_scrap))
        .bind(column(rows, |row| row.session.start_checklist_completed))
        .bind(column(rows, |row| row.session.end_checklist_completed))
        .bind(column(rows, |row| row.last_seen_at))
        .bind(column(rows, |row| row.forced_closed_at))
        .bind(column(rows, |row| row.last_status_change_at))
        .bind(column(rows, |row| row.session.closed_cause.map(bus_schemas::CloseCause::as_str)))
        .bind(column(rows, |row| row.session.last_working_status.as_ref().map(|status| status.as_str())))
        .bind(column(rows, |row| row.effective_end_at))
        .bind(column(rows, |row| row.created_at))
        .bind(column(rows, |row| row.updated_at))
        .bind(column(rows, |row| &*row.session.names.worker))
        .bind(column(rows, |row| &*row.session.names.station_code))
        .bind(column(rows, |row| &*row.session.names.station))
        .bind(column(rows, |row| &*row.session.names.station_type))
        .bind(column(rows, |row| &*row.session.names.job_number))
        .bind(column(rows, |row| row.session.names.customer.as_deref()))
        .bind(column(rows, |row| row.session.names.planned_quantity))
        .bind(column(rows, |row| row.version))
        .bind(column(rows, |row| row.seq))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn intervals(tx: &mut Tx<'_>, rows: &[IntervalRow<'_>]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO status_events \
         (id, session_id, status, reason_id, note, image_url, started_at, ended_at, reported_at, version, ordinal) \
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], \
         $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::smallint[]) \
         ON CONFLICT (id) DO UPDATE SET session_id = excluded.session_id, status = excluded.status, \
         reason_id = excluded.reason_id, note = excluded.note, image_url = excluded.image_url, \
         started_at = excluded.started_at, ended_at = excluded.ended_at, reported_at = excluded.reported_at, \
         version = excluded.version, ordinal = excluded.ordinal \
         WHERE excluded.version > status_events.version",
    )
    .bind(column(rows, |row| row.interval.id.0))
    .bind(column(rows, |row| row.session_id))
    .bind(column(rows, |row| row.interval.status.as_str()))
    .bind(column(rows, |row| row.interval.reason_id.map(|id| id.0)))
    .bind(column(rows, |row| row.interval.note.as_deref()))
    .bind(column(rows, |row| row.interval.image_url.as_deref()))
    .bind(column(rows, |row| row.started_at))
    .bind(column(rows, |row| row.ended_at))
    .bind(column(rows, |row| row.reported_at))
    .bind(column(rows, |row| row.version))
    .bind(column(rows, |row| row.ordinal))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn quantities(tx: &mut Tx<'_>, rows: &[QuantityRow]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO quantity_changes (id, session_id, status_event_id, total_good, total_scrap, good_delta, \
         scrap_delta, reason_id, at, reported_at, version) \
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], \
         $7::bigint[], $8::uuid[], $9::timestamptz[], $10::timestamptz[], $11::bigint[]) \
         ON CONFLICT DO NOTHING",
    )
    .bind(column(rows, |row| row.id))
    .bind(column(rows, |row| row.session_id))
    .bind(column(rows, |row| row.status_event_id))
    .bind(column(rows, |row| row.total_good))
    .bind(column(rows, |row| row.total_scrap))
    .bind(column(rows, |row| row.good_delta))
    .bind(column(rows, |row| row.scrap_delta))
    .bind(column(rows, |row| row.reason_id))
    .bind(column(rows, |row| row.at))
    .bind(column(rows, |row| row.reported_at))
    .bind(column(rows, |row| row.version))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A job that is known already, from the directory or an earlier session, stays as it is.
async fn jobs(tx: &mut Tx<'_>, rows: &[JobRow<'_>]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO jobs (id, job_number, customer_name, planned_quantity, created_at, updated_at, directory_seq) \
         SELECT id, number, customer, planned, created, created, 0 \
         FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[]) \
         AS opened (id, number, customer, planned, created) \
         ON CONFLICT DO NOTHING",
    )
    .bind(column(rows, |row| row.session.job_id.0))
    .bind(column(rows, |row| &*row.session.names.job_number))
    .bind(column(rows, |row| row.session.names.customer.as_deref()))
    .bind(column(rows, |row| row.session.names.planned_quantity))
    .bind(column(rows, |row| row.created_at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn halted(tx: &mut Tx<'_>, halted: &[(SessionId, u64)]) -> Result<(), WriteError> {
    for (session, version) in halted {
        sqlx::query("UPDATE sessions SET halted_at_version = $2 WHERE id = $1 AND halted_at_version IS NULL")
            .bind(session.0)
            .bind(convert::number("version", *version)?)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
