//! `POST /api/sessions/abandon`: the worker gives the session up, or let its grace window pass.

use axum::{Json, extract::State};
use bus_schemas::{CommandBody, SessionId, command::AbandonReason};
use utoipa::ToSchema;

use crate::{
    acting::{Stamp, on_session, send},
    app::App,
    error::{ApiError, Code},
    extract::{Fields, Signed, TextKind},
    routes::{self, Answer},
};

/// What is asked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AbandonRequest {
    /// Which session.
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    /// `worker_choice` (the default) or `expired`.
    #[schema(value_type = Option<String>)]
    reason: AbandonReason,
}

impl AbandonRequest {
    pub(crate) fn read(fields: &Fields) -> Result<Self, ApiError> {
        let session_id = fields.parsed("sessionId")?.ok_or(Code::SessionIdRequired)?;
        let reason = match fields.text("reason", 100, TextKind::Line)?.as_deref() {
            None | Some("worker_choice") => AbandonReason::WorkerChoice,
            Some("expired") => AbandonReason::Expired,
            Some(_) => return Err(Code::InvalidReason.into()),
        };
        Ok(Self { session_id, reason })
    }
}

/// Abandons a session; one that is closed already stays as it is.
#[utoipa::path(post, path = "/api/sessions/abandon", tag = "worker", request_body = AbandonRequest,
    responses((status = 200, body = routes::Ok), (status = 400, description = "SESSION_ID_REQUIRED, INVALID_REASON"),
        (status = 409, description = "SESSION_STILL_LIVE")))]
pub async fn abandon(State(app): State<App>, Signed(caller): Signed, fields: Fields) -> Answer<routes::Ok> {
    let request = AbandonRequest::read(&fields)?;
    let acting = on_session(&app, &caller, request.session_id).await?;
    let stamp = Stamp::of(&caller, &fields)?;
    let body = CommandBody::Abandon { session_id: request.session_id, reason: request.reason };
    send(&app, &caller, &acting, &stamp, body).await?;
    Ok(Json(routes::Ok::YES))
}
