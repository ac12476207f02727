//! `GET /api/admin/directory/{kind}[/{id}]`: records with the sequence that an edit must name.

use axum::{
    Json,
    extract::{Path, State},
};
use bus_schemas::directory::Directory;
use persistence::Role;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::logins::AccountLogin,
    error::{ApiError, Code},
    extract::Signed,
    records::{JobRecord, ReasonRecord, StationRecord, StatusRecord, WorkerRecord},
    routes::Answer,
};

/// A kind of record that admins edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Workers, with their codes and stations.
    Worker,
    /// Stations, with their checklists.
    Station,
    /// Jobs with details.
    Job,
    /// Reasons.
    Reason,
    /// Statuses.
    Status,
}

impl Kind {
    /// Reads a kind in a path.
    ///
    /// # Errors
    /// There is no such kind.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "worker" => Ok(Self::Worker),
            "station" => Ok(Self::Station),
            "job" => Ok(Self::Job),
            "reason" => Ok(Self::Reason),
            "status" => Ok(Self::Status),
            _ => Err(Code::NotFound.into()),
        }
    }
}

/// A record and its sequence.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoredRecord {
    /// For `If-Match`.
    pub sequence: u64,
    /// The record.
    #[schema(value_type = Object)]
    pub record: Value,
}

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct DirectoryAnswer {
    records: Vec<StoredRecord>,
}

fn stored(sequence: u64, record: &impl Serialize) -> StoredRecord {
    // Records of ours always are JSON.
    StoredRecord { sequence, record: serde_json::to_value(record).unwrap_or_default() }
}

/// A worker with its code and stations, as admins see it.
#[derive(Serialize)]
struct WorkerForAdmins {
    #[serde(flatten)]
    worker: WorkerRecord,
    station_ids: Vec<uuid::Uuid>,
}

/// Every record of a kind.
#[must_use]
pub fn all(kind: Kind, directory: &Directory) -> Vec<StoredRecord> {
    match kind {
        Kind::Worker => directory.workers().filter_map(|s| one(kind, &s.record.id.to_string(), directory)).collect(),
        Kind::Station => directory.stations().map(|s| stored(s.seq, &StationRecord::of(&s.record))).collect(),
        Kind::Job => directory.jobs().map(|s| stored(s.seq, &JobRecord::of(&s.record))).collect(),
        Kind::Reason => directory.reasons().map(|s| stored(s.seq, &ReasonRecord::of(&s.record))).collect(),
        Kind::Status => directory.statuses().map(|s| stored(s.seq, &StatusRecord::of(&s.record))).collect(),
    }
}

/// One record, when there is one of this id.
#[must_use]
pub fn one(kind: Kind, id: &str, directory: &Directory) -> Option<StoredRecord> {
    match kind {
        Kind::Worker => {
            let found = directory.worker(id.parse().ok()?)?;
            let code_seq = directory.credential(found.record.id).map_or(0, |credential| credential.seq);
            let worker = WorkerForAdmins {
                worker: WorkerRecord::of(&found.record, directory),
                station_ids: found.record.assignments.iter().map(|assignment| assignment.station_id.0).collect(),
            };
            Some(stored(found.seq.max(code_seq), &worker))
        }
        Kind::Station => {
            let found = directory.station(id.parse().ok()?)?;
            Some(stored(found.seq, &StationRecord::of(&found.record)))
        }
        Kind::Job => {
            let found = directory.job(id.parse().ok()?)?;
            Some(stored(found.seq, &JobRecord::of(&found.record)))
        }
        Kind::Reason => {
            let found = directory.reason(id.parse().ok()?)?;
            Some(stored(found.seq, &ReasonRecord::of(&found.record)))
        }
        Kind::Status => {
            let found = directory.status(&id.parse().ok()?)?;
            Some(stored(found.seq, &StatusRecord::of(&found.record)))
        }
    }
}

/// The records of a kind.
#[utoipa::path(get, path = "/api/admin/directory/{kind}", tag = "admin",
    params(("kind" = String, Path, description = "worker, station, job, reason or status")),
    responses((status = 200, body = DirectoryAnswer), (status = 404, description = "NOT_FOUND")))]
pub async fn list(State(app): State<App>, Signed(caller): Signed, Path(kind): Path<String>) -> Answer<DirectoryAnswer> {
    let account = caller.logins.account(Role::Viewer)?;
    let (kind, directory) = (Kind::parse(&kind)?, app.directory());
    let mut records = all(kind, &directory);
    records.retain(|record| sees(&account, kind, record, &directory));
    records.sort_by_key(|record| record.sequence);
    for record in &mut records {
        hide_code(account.role, record);
    }
    Ok(Json(DirectoryAnswer { records }))
}

/// One record.
#[utoipa::path(get, path = "/api/admin/directory/{kind}/{id}", tag = "admin",
    params(("kind" = String, Path, description = "worker, station, job, reason or status"), ("id" = String, Path)),
    responses((status = 200, body = StoredRecord), (status = 404, description = "NOT_FOUND")))]
pub async fn get(
    State(app): State<App>,
    Signed(caller): Signed,
    Path((kind, id)): Path<(String, String)>,
) -> Answer<StoredRecord> {
    let account = caller.logins.account(Role::Viewer)?;
    let (kind, directory) = (Kind::parse(&kind)?, app.directory());
    let found = one(kind, &id, &directory).filter(|record| sees(&account, kind, record, &directory));
    let mut record = found.ok_or(Code::NotFound)?;
    hide_code(account.role, &mut record);
    Ok(Json(record))
}

/// Whether an account may look at a record: one that is limited to stations sees those, who works at them, and what
/// belongs to no station.
fn sees(account: &AccountLogin, kind: Kind, stored: &StoredRecord, directory: &Directory) -> bool {
    if account.stations.is_none() {
        return true;
    }
    let field = |name: &str| stored.record.get(name).and_then(Value::as_str);
    let at = |text: &str| text.parse().is_ok_and(|station| account.sees(station));
    match kind {
        Kind::Station => field("id").is_some_and(at),
        Kind::Status => field("station_id").is_none_or(at),
        Kind::Worker => {
            let worker = field("id").and_then(|id| directory.worker(id.parse().ok()?));
            worker.is_some_and(|worker| worker.record.assignments.iter().any(|it| account.sees(it.station_id)))
        }
        Kind::Job | Kind::Reason => true,
    }
}

/// A worker's code is what the worker signs in with: only those who can change it see it.
fn hide_code(role: Role, stored: &mut StoredRecord) {
    if role < Role::Admin
        && let Some(record) = stored.record.as_object_mut()
    {
        record.remove("worker_code");
    }
}
