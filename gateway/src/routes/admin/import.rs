//! `POST /api/admin/directory/import`: a whole factory file, all of it or nothing.

use axum::{Json, body::Body, extract::State};
use http::HeaderMap;
use persistence::Role;
use serde_json::json;

use crate::{
    app::App,
    directory::{self, EditError, ImportReport},
    error::{ApiError, Code},
    extract::{Signed, read_body},
    routes::Answer,
};

/// Largest factory file.
pub const FILE_MAX_BYTES: usize = 8 * 1_024 * 1_024;

/// Imports a factory file (TOML). Records that it does not name stay as they are.
#[utoipa::path(post, path = "/api/admin/directory/import", tag = "admin",
    request_body(content = String, content_type = "application/toml"),
    responses((status = 200, body = ImportReport),
        (status = 422, description = "INVALID_DIRECTORY: every bad row with its line in details.rows")))]
pub async fn import(
    State(app): State<App>,
    Signed(caller): Signed,
    headers: HeaderMap,
    body: Body,
) -> Answer<ImportReport> {
    let account = caller.logins.whole_factory(Role::Admin)?;
    check_type(&headers)?;
    let bytes = read_body(&headers, body, FILE_MAX_BYTES).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| ApiError::payload("the file is not UTF-8"))?;
    let (bus, view) = app.edits()?;
    directory::import(bus, view, &account.actor(), text).await.map(Json).map_err(|error| match error {
        EditError::Refused(rows) => {
            let message = format!("{} rows cannot be taken; nothing was imported", rows.len());
            ApiError::new(Code::InvalidDirectory, message).with_details(json!({ "rows": rows }))
        }
        EditError::TooLarge { .. } => ApiError::new(Code::TooLarge, "the factory is larger than one message may be"),
        EditError::Unknown => Code::OutcomeUnknown.into(),
        EditError::Unreachable(_) | EditError::Crowded => Code::Busy.into(),
    })
}

/// A form of another site can send text/plain, never this.
fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).map(str::trim).unwrap_or_default();
    if ["application/toml", "text/toml", "application/octet-stream"].contains(&essence) {
        return Ok(());
    }
    Err(ApiError::new(Code::UnsupportedMediaType, "send Content-Type: application/toml"))
}
