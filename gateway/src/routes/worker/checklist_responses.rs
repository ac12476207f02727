//! `POST /api/checklists/responses`: the start or end checklist is answered.

use axum::{Json, extract::State};
use bus_schemas::{
    CommandBody, SessionId, StationId,
    command::{Answer as ItemAnswer, ChecklistKind},
    limits::{ANSWER_MAX_CHARS, ANSWERS_MAX, ITEM_ID_MAX_CHARS},
    reply::Effect,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::checklist::kind;
use crate::{
    acting::{Outcome, Stamp, on_session, send, session_of},
    app::App,
    error::{ApiError, Code},
    extract::{Fields, Signed, TextKind},
    records::SessionRecord,
    routes::Answer,
};

/// What is asked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ResponsesRequest {
    /// Of which session.
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    /// At which station, as the client believes.
    #[schema(value_type = uuid::Uuid)]
    station_id: StationId,
    /// `start` or `end`.
    #[schema(value_type = String)]
    kind: ChecklistKind,
    /// `{item_id, value_bool?, value_text?}`; unknown items are ignored.
    #[schema(value_type = Vec<Object>)]
    responses: Vec<ItemAnswer>,
}

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct ResponsesAnswer {
    ok: bool,
    session: SessionRecord,
    /// The list had been answered before: nothing changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
}

impl ResponsesRequest {
    pub(crate) fn read(fields: &Fields) -> Result<Self, ApiError> {
        let needed = |name: &str| ApiError::payload(format!("{name} is needed"));
        let list = fields.text("kind", 10, TextKind::Line)?.ok_or_else(|| needed("kind"))?;
        let responses = fields.list("responses", ANSWERS_MAX)?.ok_or_else(|| needed("responses"))?;
        Ok(Self {
            session_id: fields.parsed("sessionId")?.ok_or_else(|| needed("sessionId"))?,
            station_id: fields.parsed("stationId")?.ok_or_else(|| needed("stationId"))?,
            kind: kind(&list).ok_or_else(|| ApiError::payload("kind is start or end"))?,
            responses: responses.iter().map(item).collect::<Result<_, _>>()?,
        })
    }
}

fn item(fields: &Fields) -> Result<ItemAnswer, ApiError> {
    let item_id = fields.text("item_id", ITEM_ID_MAX_CHARS, TextKind::Line)?;
    Ok(ItemAnswer {
        item_id: item_id.ok_or_else(|| ApiError::payload("each response needs an item_id"))?.into(),
        value_bool: fields.flag("value_bool")?,
        value_text: fields.text("value_text", ANSWER_MAX_CHARS, TextKind::Note)?.map(Into::into),
    })
}

/// Answers a checklist. The start list starts the session.
#[utoipa::path(post, path = "/api/checklists/responses", tag = "worker", request_body = ResponsesRequest,
    responses((status = 200, body = ResponsesAnswer), (status = 409, description = "SESSION_CLOSED"),
        (status = 422, description = "CHECKLIST_INCOMPLETE, STATION_MISMATCH")))]
pub async fn responses(State(app): State<App>, Signed(caller): Signed, fields: Fields) -> Answer<ResponsesAnswer> {
    let request = ResponsesRequest::read(&fields)?;
    let acting = on_session(&app, &caller, request.session_id).await?;
    let stamp = Stamp::of(&caller, &fields)?;
    let list = request.kind;
    let body = CommandBody::Checklist {
        session_id: request.session_id,
        station_id: request.station_id,
        list,
        answers: request.responses,
    };
    match send(&app, &caller, &acting, &stamp, body).await? {
        Outcome::Done(done) => {
            let session = session_of(&caller, &done)?;
            let repeated = done.effect == Effect::Nothing && session.is_active();
            Ok(Json(ResponsesAnswer { ok: true, session: app.record(&session), repeated }))
        }
        // The aim of the end list is reached by a closed session, that of the start list is not.
        Outcome::LongClosed(row) if list == ChecklistKind::End => {
            Ok(Json(ResponsesAnswer { ok: true, session: (&*row).into(), repeated: false }))
        }
        Outcome::LongClosed(row) => Err(ApiError::from(Code::SessionClosed)
            .with_details(serde_json::json!({ "session": SessionRecord::from(&*row) }))),
    }
}
