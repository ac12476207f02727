//! `POST /api/sessions/complete`: the work is done.

use axum::{Json, extract::State};
use bus_schemas::{CommandBody, SessionId};
use utoipa::ToSchema;

use crate::{
    acting::{Outcome, Stamp, on_session, send, session_of},
    app::App,
    error::Code,
    extract::{Fields, Signed},
    routes::{Answer, SessionAnswer},
};

/// What is asked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape is read field by field; this documents it")]
pub struct CompleteRequest {
    /// Which session.
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
}

/// Completes a session; one that is closed already is answered as it is.
#[utoipa::path(post, path = "/api/sessions/complete", tag = "worker", request_body = CompleteRequest,
    responses((status = 200, body = SessionAnswer), (status = 400, description = "SESSION_ID_REQUIRED"),
        (status = 409, description = "END_CHECKLIST_REQUIRED")))]
pub async fn complete(State(app): State<App>, Signed(caller): Signed, fields: Fields) -> Answer<SessionAnswer> {
    let session_id = fields.parsed("sessionId")?.ok_or(Code::SessionIdRequired)?;
    let acting = on_session(&app, &caller, session_id).await?;
    let stamp = Stamp::of(&caller, &fields)?;
    let session = match send(&app, &caller, &acting, &stamp, CommandBody::Complete { session_id }).await? {
        Outcome::Done(done) => app.record(&session_of(&caller, &done)?),
        Outcome::LongClosed(row) => (&*row).into(),
    };
    Ok(Json(SessionAnswer { session }))
}
