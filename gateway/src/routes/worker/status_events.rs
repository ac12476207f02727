//! `POST /api/status-events`: the worker says what the session is doing now.

use axum::{Json, extract::State};
use bus_schemas::{
    CommandBody, ReasonId, SessionId, StatusCode,
    limits::{IMAGE_URL_MAX_CHARS, NOTE_MAX_CHARS},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    acting::{Stamp, on_session, send_to_open, session_of},
    app::App,
    error::{ApiError, Code},
    extract::{Fields, Signed, TextKind},
    records::StatusEventRecord,
    routes::Answer,
};

/// What is asked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct StatusRequest {
    /// Of which session.
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    /// A status code.
    #[schema(value_type = String)]
    status: StatusCode,
    /// Why stopped.
    #[schema(value_type = Option<uuid::Uuid>)]
    reason_id: Option<ReasonId>,
    /// A note of 2 000 characters at most.
    note: Option<String>,
    /// `https:` or site-relative.
    image_url: Option<String>,
}

/// The answer: the interval that runs now.
#[derive(Serialize, ToSchema)]
pub struct StatusAnswer {
    event: StatusEventRecord,
}

impl StatusRequest {
    pub(crate) fn read(fields: &Fields) -> Result<Self, ApiError> {
        let needed = |name: &str| ApiError::payload(format!("{name} is needed"));
        let status = fields.text("status", 200, TextKind::Line)?.ok_or_else(|| needed("status"))?;
        let image_url = fields.text("imageUrl", IMAGE_URL_MAX_CHARS, TextKind::Line)?;
        if image_url.as_deref().is_some_and(|url| !is_image_url(url)) {
            return Err(ApiError::payload("imageUrl must begin with https: or be site-relative"));
        }
        Ok(Self {
            session_id: fields.parsed("sessionId")?.ok_or_else(|| needed("sessionId"))?,
            // What cannot be a code is the code of no status.
            status: status.parse().map_err(|_| Code::UnknownStatus)?,
            reason_id: fields.parsed("reasonId")?,
            note: fields.text("note", NOTE_MAX_CHARS, TextKind::Note)?,
            image_url,
        })
    }
}

/// An address that a page may show: never a script, never another scheme, never another host by `//`.
fn is_image_url(text: &str) -> bool {
    if text.starts_with('/') {
        return !text.starts_with("//") && !text.contains('\\') && !text.contains(char::is_whitespace);
    }
    url::Url::parse(text)
        .is_ok_and(|url| url.scheme() == "https" && url.username().is_empty() && url.password().is_none())
}

/// Changes the status: ends the open interval and starts the next at the same instant.
#[utoipa::path(post, path = "/api/status-events", tag = "worker", request_body = StatusRequest,
    responses((status = 200, body = StatusAnswer), (status = 409, description = "START_CHECKLIST_REQUIRED, SESSION_CLOSED"),
        (status = 422, description = "UNKNOWN_STATUS, UNKNOWN_REASON, REASON_REQUIRED")))]
pub async fn status_event(State(app): State<App>, Signed(caller): Signed, fields: Fields) -> Answer<StatusAnswer> {
    let request = StatusRequest::read(&fields)?;
    let acting = on_session(&app, &caller, request.session_id).await?;
    let stamp = Stamp::of(&caller, &fields)?;
    let body = CommandBody::Status {
        session_id: request.session_id,
        status: request.status,
        reason_id: request.reason_id,
        note: request.note.map(Into::into),
        image_url: request.image_url.map(Into::into),
    };
    let done = send_to_open(&app, &caller, &acting, &stamp, body).await?;
    let session = session_of(&caller, &done)?;
    let interval = done.interval.as_ref().or(session.open.as_ref()).ok_or_else(|| {
        tracing::error!("an owner's answer names no interval");
        ApiError::internal(caller.trace.id())
    })?;
    Ok(Json(StatusAnswer { event: StatusEventRecord::of(session.id, interval) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_addresses_are_https_or_of_this_site() {
        for good in ["https://cdn.example/a.png", "/images/1.png"] {
            assert!(is_image_url(good), "{good}");
        }
        for bad in [
            "http://cdn.example/a.png",
            "javascript:alert(1)",
            "data:image/png;base64,x",
            "//evil.example/a.png",
            "/\\evil.example",
            "a.png",
            "https://user:pass@x.example/",
        ] {
            assert!(!is_image_url(bad), "{bad}");
        }
    }
}
