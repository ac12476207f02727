//! The statements that write edits: one UNNEST statement a table, however many records.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use bus_schemas::{
    WorkerId,
    records::{Credential, Job, Language, Reason, Station, Status, Worker, WorkerRole},
};

use super::{
    plan::{Edit, Edited, Plan},
    removal::{self, Table},
};
use crate::{
    convert::{self, DoesNotFit},
    projection::{WriteError, column},
};

type Tx<'t> = Transaction<'t, Postgres>;
type Time = DateTime<Utc>;

/// Writes everything of a plan.
pub async fn plan(tx: &mut Tx<'_>, plan: &Plan) -> Result<(), WriteError> {
    workers(tx, &plan.workers).await?;
    credentials(tx, &plan.credentials).await?;
    codes(tx, plan.workers.keys().chain(plan.credentials.keys())).await?;
    stations(tx, &plan.stations).await?;
    jobs(tx, &plan.jobs).await?;
    reasons(tx, &plan.reasons).await?;
    statuses(tx, &plan.statuses).await?;
    removal::mark(tx, Table::Workers, &plan.workers).await?;
    removal::mark(tx, Table::Stations, &plan.stations).await?;
    removal::mark(tx, Table::Jobs, &plan.jobs).await?;
    removal::mark(tx, Table::Reasons, &plan.reasons).await?;
    removal::mark(tx, Table::Statuses, &plan.statuses).await?;
    edits(tx, &plan.edits).await
}

/// A record to write, with what every table has besides.
struct Row<'a, T> {
    record: &'a T,
    seq: i64,
    removed_at: Option<Time>,
}

fn rows<K, T>(edited: &HashMap<K, Edited<T>>) -> Result<Vec<Row<'_, T>>, DoesNotFit> {
    let row = |edited: &'_ Edited<T>| -> Result<(i64, Option<Time>), DoesNotFit> {
        Ok((convert::number("seq", edited.seq)?, convert::time_opt("at_us", edited.removed_at)?))
    };
    let put = edited.values().filter_map(|edited| Some((edited, edited.record.as_ref()?)));
    put.map(|(edited, record)| {
        let (seq, removed_at) = row(edited)?;
        Ok(Row { record, seq, removed_at })
    })
    .collect()
}

/// Times of records; the plan has made sure that they fit.
fn times<T>(rows: &[Row<'_, T>], of: impl Fn(&T) -> bus_schemas::TimeUs) -> Result<Vec<Time>, DoesNotFit> {
    rows.iter().map(|row| convert::time("time of a record", of(row.record))).collect()
}

async fn workers(tx: &mut Tx<'_>, edited: &HashMap<WorkerId, Edited<Worker>>) -> Result<(), WriteError> {
    let rows = rows(edited)?;
    if rows.is_empty() {
        return Ok(());
    }
    let written: Vec<Uuid> = sqlx::query_scalar(
        "INSERT INTO workers (id, full_name, language, role, is_active, created_at, updated_at, directory_seq, \
         removed_at) \
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[], \
         $7::timestamptz[], $8::bigint[], $9::timestamptz[]) \
         ON CONFLICT (id) DO UPDATE SET full_name = excluded.full_name, language = excluded.language, \
         role = excluded.role, is_active = excluded.is_active, created_at = excluded.created_at, \
         updated_at = excluded.updated_at, directory_seq = excluded.directory_seq, removed_at = excluded.removed_at \
         WHERE excluded.directory_seq > workers.directory_seq RETURNING id",
    )
    .bind(column(&rows, |row| row.record.id.0))
    .bind(column(&rows, |row| &*row.record.full_name))
    .bind(column(&rows, |row| language(row.record.language)))
    .bind(column(&rows, |row| role(row.record.role)))
    .bind(column(&rows, |row| row.record.is_active))
    .bind(times(&rows, |worker| worker.created_at_us)?)
    .bind(times(&rows, |worker| worker.updated_at_us)?)
    .bind(column(&rows, |row| row.seq))
    .bind(column(&rows, |row| row.removed_at))
    .fetch_all(&mut **tx)
    .await?;
    assignments(tx, &rows, &written).await
}

/// A worker's record holds all assignments: those of every worker just written are replaced.
async fn assignments(tx: &mut Tx<'_>, rows: &[Row<'_, Worker>], written: &[Uuid]) -> Result<(), WriteError> {
    sqlx::query("DELETE FROM worker_stations WHERE worker_id = ANY($1)").bind(written).execute(&mut **tx).await?;
    let (mut workers, mut stations, mut since) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| written.contains(&row.record.id.0)) {
        for assignment in &row.record.assignments {
            workers.push(row.record.id.0);
            stations.push(assignment.station_id.0);
            since.push(convert::time("created_at_us", assignment.created_at_us)?);
        }
    }
    sqlx::query(
        "INSERT INTO worker_stations (worker_id, station_id, created_at) \
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::timestamptz[]) ON CONFLICT DO NOTHING",
    )
    .bind(workers)
    .bind(stations)
    .bind(since)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn credentials(tx: &mut Tx<'_>, edited: &HashMap<WorkerId, Edited<Credential>>) -> Result<(), WriteError> {
    let rows: Vec<_> = edited.iter().collect();
    let seqs: Result<Vec<_>, _> = rows.iter().map(|(_, edited)| convert::number("seq", edited.seq)).collect();
    sqlx::query(
        "INSERT INTO worker_credentials (worker_id, worker_code, directory_seq) \
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::bigint[]) \
         ON CONFLICT (worker_id) DO UPDATE SET worker_code = excluded.worker_code, \
         directory_seq = excluded.directory_seq WHERE excluded.directory_seq > worker_credentials.directory_seq",
    )
    .bind(column(&rows, |(worker, _)| worker.0))
    .bind(column(&rows, |(_, edited)| match edited.removed_at {
        Some(_) => None,
        None => edited.record.as_ref().map(|credential| &*credential.worker_code),
    }))
    .bind(seqs?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Repeats the codes in the rows of the workers, whichever of the two came first.
async fn codes(tx: &mut Tx<'_>, workers: impl Iterator<Item = &WorkerId>) -> Result<(), WriteError> {
    sqlx::query(
        "UPDATE workers SET worker_code = code.worker_code \
         FROM UNNEST($1::uuid[]) AS touched (id) LEFT JOIN worker_credentials code ON code.worker_id = touched.id \
         WHERE workers.id = touched.id AND workers.worker_code IS DISTINCT FROM code.worker_code",
    )
    .bind(workers.map(|worker| worker.0).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn stations<K>(tx: &mut Tx<'_>, edited: &HashMap<K, Edited<Station>>) -> Result<(), WriteError> {
    let rows = rows(edited)?;
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO stations (id, name, code, station_type, is_active, start_checklist, end_checklist, created_at, \
         updated_at, directory_seq, removed_at) \
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::jsonb[], $7::jsonb[], \
         $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::timestamptz[]) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, code = excluded.code, \
         station_type = excluded.station_type, is_active = excluded.is_active, \
         start_checklist = excluded.start_checklist, end_checklist = excluded.end_checklist, \
         created_at = excluded.created_at, updated_at = excluded.updated_at, \
         directory_seq = excluded.directory_seq, removed_at = excluded.removed_at \
         WHERE excluded.directory_seq > stations.directory_seq",
    )
    .bind(column(&rows, |row| row.record.id.0))
    .bind(column(&rows, |row| &*row.record.name))
    .bind(column(&rows, |row| &*row.record.code))
    .bind(column(&rows, |row| row.record.station_type.as_str()))
    .bind(column(&rows, |row| row.record.is_active))
    .bind(column(&rows, |row| checklist(&row.record.start_checklist)))
    .bind(column(&rows, |row| checklist(&row.record.end_checklist)))
    .bind(times(&rows, |station| station.created_at_us)?)
    .bind(times(&rows, |station| station.updated_at_us)?)
    .bind(column(&rows, |row| row.seq))
    .bind(column(&rows, |row| row.removed_at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn jobs<K>(tx: &mut Tx<'_>, edited: &HashMap<K, Edited<Job>>) -> Result<(), WriteError> {
    let rows = rows(edited)?;
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO jobs (id, job_number, customer_name, description, planned_quantity, created_at, updated_at, \
         directory_seq, removed_at) \
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], \
         $7::timestamptz[], $8::bigint[], $9::timestamptz[]) \
         ON CONFLICT (id) DO UPDATE SET job_number = excluded.job_number, customer_name = excluded.customer_name, \
         description = excluded.description, planned_quantity = excluded.planned_quantity, \
         created_at = excluded.created_at, updated_at = excluded.updated_at, \
         directory_seq = excluded.directory_seq, removed_at = excluded.removed_at \
         WHERE excluded.directory_seq > jobs.directory_seq",
    )
    .bind(column(&rows, |row| row.record.id.0))
    .bind(column(&rows, |row| &*row.record.job_number))
    .bind(column(&rows, |row| row.record.customer_name.as_deref()))
    .bind(column(&rows, |row| row.record.description.as_deref()))
    .bind(column(&rows, |row| row.record.planned_quantity))
    .bind(times(&rows, |job| job.created_at_us)?)
    .bind(times(&rows, |job| job.updated_at_us)?)
    .bind(column(&rows, |row| row.seq))
    .bind(column(&rows, |row| row.removed_at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn reasons<K>(tx: &mut Tx<'_>, edited: &HashMap<K, Edited<Reason>>) -> Result<(), WriteError> {
    let rows = rows(edited)?;
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO reasons (id, type, label_he, label_ru, label_en, is_active, directory_seq, removed_at) \
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], \
         $7::bigint[], $8::timestamptz[]) \
         ON CONFLICT (id) DO UPDATE SET type = excluded.type, label_he = excluded.label_he, \
         label_ru = excluded.label_ru, label_en = excluded.label_en, is_active = excluded.is_active, \
         directory_seq = excluded.directory_seq, removed_at = excluded.removed_at \
         WHERE excluded.directory_seq > reasons.directory_seq",
    )
    .bind(column(&rows, |row| row.record.id.0))
    .bind(column(&rows, |row| row.record.kind.as_str()))
    .bind(column(&rows, |row| &*row.record.label_he))
    .bind(column(&rows, |row| &*row.record.label_ru))
    .bind(column(&rows, |row| &*row.record.label_en))
    .bind(column(&rows, |row| row.record.is_active))
    .bind(column(&rows, |row| row.seq))
    .bind(column(&rows, |row| row.removed_at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn statuses<K>(tx: &mut Tx<'_>, edited: &HashMap<K, Edited<Status>>) -> Result<(), WriteError> {
    let rows = rows(edited)?;
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO statuses (code, label_he, label_ru, label_en, color, machine_class, station_id, requires_reason, \
         is_active, built_in, directory_seq, removed_at) \
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], \
         $8::boolean[], $9::boolean[], $10::boolean[], $11::bigint[], $12::timestamptz[]) \
         ON CONFLICT (code) DO UPDATE SET label_he = excluded.label_he, label_ru = excluded.label_ru, \
         label_en = excluded.label_en, color = excluded.color, machine_class = excluded.machine_class, \
         station_id = excluded.station_id, requires_reason = excluded.requires_reason, \
         is_active = excluded.is_active, built_in = excluded.built_in, directory_seq = excluded.directory_seq, \
         removed_at = excluded.removed_at WHERE excluded.directory_seq > statuses.directory_seq",
    )
    .bind(column(&rows, |row| row.record.code.as_str()))
    .bind(column(&rows, |row| &*row.record.label_he))
    .bind(column(&rows, |row| &*row.record.label_ru))
    .bind(column(&rows, |row| &*row.record.label_en))
    .bind(column(&rows, |row| &*row.record.color))
    .bind(column(&rows, |row| row.record.machine_class.as_str()))
    .bind(column(&rows, |row| row.record.station_id.map(|id| id.0)))
    .bind(column(&rows, |row| row.record.requires_reason))
    .bind(column(&rows, |row| row.record.is_active))
    .bind(column(&rows, |row| row.record.built_in))
    .bind(column(&rows, |row| row.seq))
    .bind(column(&rows, |row| row.removed_at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn edits(tx: &mut Tx<'_>, edits: &[Edit]) -> Result<(), WriteError> {
    let seqs: Result<Vec<_>, _> = edits.iter().map(|edit| convert::number("seq", edit.seq)).collect();
    let at: Result<Vec<_>, _> = edits.iter().map(|edit| convert::time("at_us", edit.at)).collect();
    sqlx::query(
        "INSERT INTO directory_edits (seq, ordinal, at, actor, action, kind, record_id, detail) \
         SELECT * FROM UNNEST($1::bigint[], $2::integer[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], \
         $7::text[], $8::text[]) ON CONFLICT DO NOTHING",
    )
    .bind(seqs?)
    .bind(column(edits, |edit| edit.ordinal))
    .bind(at?)
    .bind(column(edits, |edit| convert::actor(&edit.actor)))
    .bind(column(edits, |edit| edit.action))
    .bind(column(edits, |edit| edit.kind.as_str()))
    .bind(column(edits, |edit| edit.record_id.as_str()))
    .bind(column(edits, |edit| edit.detail.as_deref()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn checklist(items: &[bus_schemas::records::ChecklistItem]) -> Value {
    // Plain text and numbers: they cannot fail to become JSON.
    serde_json::to_value(items).unwrap_or_default()
}

const fn language(language: Language) -> &'static str {
    match language {
        Language::He => "he",
        Language::Ru => "ru",
        Language::En => "en",
        Language::Auto => "auto",
    }
}

const fn role(role: WorkerRole) -> &'static str {
    match role {
        WorkerRole::Worker => "worker",
        WorkerRole::Admin => "admin",
    }
}
