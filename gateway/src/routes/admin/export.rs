//! `GET /api/admin/directory/export`: the factory file of the directory.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bus_schemas::audit::AuditAction;
use http::{HeaderValue, header};
use persistence::Role;

use crate::{app::App, audit, directory, error::ApiError, extract::Signed};

/// The factory file, with worker codes: importing it gives the same directory.
#[utoipa::path(get, path = "/api/admin/directory/export", tag = "admin",
    responses((status = 200, body = String, content_type = "application/toml")))]
pub async fn export(State(app): State<App>, Signed(caller): Signed) -> Result<Response, ApiError> {
    let account = caller.logins.whole_factory(Role::Admin)?;
    audit::note(&app, &account.actor(), AuditAction::ExportDirectory, "", None).await;
    let text = directory::export(&app.directory());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/toml; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"factory.toml\"")),
    ];
    Ok((headers, text).into_response())
}
