//! `POST /api/sessions/quantities`: pieces are reported, as totals or as differences.

use axum::{Json, extract::State};
use bus_schemas::{CommandBody, ReasonId, SessionId, command::QuantityReport, limits::QUANTITY_MAX};
use utoipa::ToSchema;

use crate::{
    acting::{Stamp, on_session, send_to_open, session_of},
    app::App,
    error::{ApiError, Code},
    extract::{Fields, Signed},
    routes::{Answer, SessionAnswer},
};

/// What is asked: totals, or differences.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape is read field by field; this documents it")]
pub struct QuantitiesRequest {
    /// Of which session.
    #[schema(rename = "sessionId", value_type = uuid::Uuid)]
    session_id: SessionId,
    /// New total of good pieces, 0 to 1 000 000 000.
    total_good: Option<i64>,
    /// New total of scrap, 0 to 1 000 000 000.
    total_scrap: Option<i64>,
    /// Difference of good pieces.
    good_delta: Option<i64>,
    /// Difference of scrap.
    scrap_delta: Option<i64>,
    /// Why scrap.
    #[schema(rename = "reasonId", value_type = Option<uuid::Uuid>)]
    reason_id: Option<ReasonId>,
}

pub(crate) fn read(fields: &Fields) -> Result<(SessionId, QuantityReport), ApiError> {
    let session_id = fields.parsed("sessionId")?.ok_or(Code::SessionIdRequired)?;
    let reason_id = fields.parsed("reasonId")?;
    let totals = (number(fields, "total_good", 0)?, number(fields, "total_scrap", 0)?);
    let deltas = (number(fields, "good_delta", -QUANTITY_MAX)?, number(fields, "scrap_delta", -QUANTITY_MAX)?);
    let report = match (totals, deltas) {
        ((good, scrap), (None, None)) => QuantityReport::Totals { good, scrap, reason_id },
        ((None, None), (good, scrap)) => QuantityReport::Deltas { good, scrap, reason_id },
        _ => return Err(ApiError::payload("send totals or differences, not both")),
    };
    Ok((session_id, report))
}

fn number(fields: &Fields, name: &str, min: i64) -> Result<Option<i64>, ApiError> {
    let number = fields.whole(name)?;
    if number.is_some_and(|number| !(min..=QUANTITY_MAX).contains(&number)) {
        return Err(ApiError::new(Code::InvalidQuantity, format!("{name} must be from {min} to {QUANTITY_MAX}")));
    }
    Ok(number)
}

/// Reports pieces.
#[utoipa::path(post, path = "/api/sessions/quantities", tag = "worker", request_body = QuantitiesRequest,
    responses((status = 200, body = SessionAnswer), (status = 400, description = "SESSION_ID_REQUIRED"),
        (status = 422, description = "INVALID_QUANTITY")))]
pub async fn quantities(State(app): State<App>, Signed(caller): Signed, fields: Fields) -> Answer<SessionAnswer> {
    let (session_id, report) = read(&fields)?;
    let acting = on_session(&app, &caller, session_id).await?;
    let stamp = Stamp::of(&caller, &fields)?;
    let body = CommandBody::Quantities { session_id, report };
    let done = send_to_open(&app, &caller, &acting, &stamp, body).await?;
    Ok(Json(SessionAnswer { session: app.record(&session_of(&caller, &done)?) }))
}
