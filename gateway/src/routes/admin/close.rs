//! `POST /api/admin/sessions/{id}/close`: a supervisor closes a session.

use axum::{
    Json,
    extract::{Path, State},
};
use bus_schemas::{CommandBody, audit::AuditAction};
use persistence::Role;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::session::id;
use crate::{
    acting::{Acting, Stamp, on_session, send_to_open},
    app::App,
    audit,
    extract::{MaybeFields, Signed},
    routes::Answer,
};

/// The answer.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CloseAnswer {
    /// How many sessions were closed.
    pub closed: usize,
    /// Those that were not, and why.
    pub failed: Vec<FailedClose>,
}

/// A session that was not closed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedClose {
    /// Which.
    pub session_id: Uuid,
    /// Why: a code.
    pub error: &'static str,
    /// For a person.
    pub message: String,
}

/// Closes one session.
#[utoipa::path(post, path = "/api/admin/sessions/{id}/close", tag = "admin", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = CloseAnswer), (status = 404, description = "NOT_FOUND"),
        (status = 409, description = "SESSION_CLOSED")))]
pub async fn close(
    State(app): State<App>,
    Signed(caller): Signed,
    Path(path): Path<String>,
    fields: MaybeFields,
) -> Answer<CloseAnswer> {
    let account = caller.logins.account(Role::Supervisor)?;
    let session_id = id(&path)?;
    let found = on_session(&app, &caller, session_id).await?;
    // The account closes it, also on a device where the worker is signed in too.
    let acting = Acting { actor: account.actor(), ..found };
    let stamp = Stamp::of(&caller, &fields.0)?;
    send_to_open(&app, &caller, &acting, &stamp, CommandBody::AdminClose { session_id }).await?;
    audit::note(&app, &account.actor(), AuditAction::CloseSession, &session_id.to_string(), None).await;
    Ok(Json(CloseAnswer { closed: 1, failed: Vec::new() }))
}
