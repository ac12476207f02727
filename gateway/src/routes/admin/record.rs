//! `PUT` and `DELETE /api/admin/directory/{kind}/{id}`: one record is edited, by somebody who has seen it as it is.

use axum::{
    Json,
    extract::{Path, State},
};
use bus_schemas::directory::{Change, Directory, Key};
use http::{HeaderMap, header};
use persistence::Role;
use serde_json::json;

use super::directory::{Kind, StoredRecord, one};
use crate::{
    app::App,
    auth::logins::AccountLogin,
    clock::wall_now,
    directory::{EditError, check, edit, records_from},
    error::{ApiError, Code},
    extract::{Fields, MaybeFields, Signed},
    routes::{self, Answer},
};

/// The sequence in `If-Match`.
fn if_match(headers: &HeaderMap) -> Result<u64, ApiError> {
    let value = headers.get(header::IF_MATCH).ok_or(Code::PreconditionRequired)?;
    let text = value.to_str().unwrap_or_default().trim().trim_matches('"');
    text.parse().map_err(|_| ApiError::new(Code::PreconditionRequired, "If-Match must be the record's sequence"))
}

/// The edit builds on the record as it is now.
fn check_seen(seen: u64, kind: Kind, id: &str, directory: &Directory) -> Result<(), ApiError> {
    let now = one(kind, id, directory);
    if now.as_ref().map_or(0, |record| record.sequence) == seen {
        return Ok(());
    }
    Err(ApiError::from(Code::RecordChanged).with_details(json!({ "current": now })))
}

/// Puts a record. Fields that are left out stay as they are; a new record needs them.
#[utoipa::path(put, path = "/api/admin/directory/{kind}/{id}", tag = "admin",
    params(("kind" = String, Path, description = "worker, station, job, reason or status"), ("id" = String, Path),
        ("If-Match" = u64, Header, description = "the record's sequence; 0 creates it")),
    request_body = Object,
    responses((status = 200, body = StoredRecord), (status = 412, description = "RECORD_CHANGED, with the current record"),
        (status = 422, description = "INVALID_DIRECTORY")))]
pub async fn put(
    State(app): State<App>,
    Signed(caller): Signed,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    fields: Fields,
) -> Answer<StoredRecord> {
    let account = caller.logins.whole_factory(Role::Admin)?;
    let (kind, seen) = (Kind::parse(&kind)?, if_match(&headers)?);
    let now = wall_now();
    change(&app, &account, |directory| {
        check_seen(seen, kind, &id, directory)?;
        let records = records_from(kind, &id, &fields, directory, now)?;
        check::put(directory, &records)
            .map_err(|problems| invalid(problems.into_iter().map(|problem| problem.what)))?;
        // A worker and its code are one edit: one message.
        Ok(Some(Change::Import { id: uuid::Uuid::new_v4(), records }))
    })
    .await?;
    one(kind, &id, &app.directory()).map(Json).ok_or_else(|| Code::Busy.into())
}

/// Removes a record.
#[utoipa::path(delete, path = "/api/admin/directory/{kind}/{id}", tag = "admin",
    params(("kind" = String, Path, description = "worker, station, job, reason or status"), ("id" = String, Path),
        ("If-Match" = u64, Header, description = "the record's sequence")),
    responses((status = 200, body = routes::Ok), (status = 412, description = "RECORD_CHANGED, with the current record"),
        (status = 422, description = "INVALID_DIRECTORY")))]
pub async fn delete(
    State(app): State<App>,
    Signed(caller): Signed,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    _: MaybeFields,
) -> Answer<routes::Ok> {
    let account = caller.logins.whole_factory(Role::Admin)?;
    let (kind, seen) = (Kind::parse(&kind)?, if_match(&headers)?);
    let key = key(kind, &id).ok_or(Code::NotFound)?;
    let mut seen = seen;
    if let Key::Worker(worker) = key {
        // The code goes first: a worker without one cannot sign in, whatever comes between the two edits.
        change(&app, &account, |directory| {
            one(kind, &id, directory).ok_or(Code::NotFound)?;
            check_seen(seen, kind, &id, directory)?;
            let code = directory.credential(worker);
            Ok(code.map(|_| Change::Remove(Key::Credential(worker))))
        })
        .await?;
        // Without its code, the record's sequence is the worker's own; a newer one is somebody else's edit.
        seen = app.directory().worker(worker).map_or(seen, |stored| stored.seq.min(seen));
    }
    change(&app, &account, |directory| {
        one(kind, &id, directory).ok_or(Code::NotFound)?;
        check_seen(seen, kind, &id, directory)?;
        check::remove(directory, &key).map_err(|what| invalid([what]))?;
        Ok(Some(Change::Remove(key.clone())))
    })
    .await?;
    Ok(Json(routes::Ok::YES))
}

fn key(kind: Kind, id: &str) -> Option<Key> {
    Some(match kind {
        Kind::Worker => Key::Worker(id.parse().ok()?),
        Kind::Station => Key::Station(id.parse().ok()?),
        Kind::Job => Key::Job(id.parse().ok()?),
        Kind::Reason => Key::Reason(id.parse().ok()?),
        Kind::Status => Key::Status(id.parse().ok()?),
    })
}

fn invalid(problems: impl IntoIterator<Item = String>) -> ApiError {
    let problems: Vec<_> = problems.into_iter().collect();
    let message = problems.first().cloned().unwrap_or_default();
    ApiError::new(Code::InvalidDirectory, message).with_details(json!({ "problems": problems }))
}

/// Makes an edit; what keeps it from being made, as clients read it.
pub(crate) async fn change(
    app: &App,
    account: &AccountLogin,
    decide: impl FnMut(&Directory) -> Result<Option<Change>, ApiError>,
) -> Result<u64, ApiError> {
    let (bus, view) = app.edits()?;
    edit(bus, view, &account.actor(), decide).await.map_err(|error| match error {
        EditError::Refused(error) => error,
        EditError::TooLarge { .. } => Code::TooLarge.into(),
        EditError::Unknown => Code::OutcomeUnknown.into(),
        EditError::Unreachable(_) | EditError::Crowded => Code::Busy.into(),
    })
}
