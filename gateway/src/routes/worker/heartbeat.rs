//! `POST /api/sessions/heartbeat`: somebody is still there. The busiest route by far: one look into the live view, one
//! note for the next batch, and an answer.

use std::{borrow::Cow, sync::Arc};

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bus_schemas::{Partition, SessionId};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use persistence::Role;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    acting::last_state,
    app::App,
    auth::{
        cookies,
        logins::{Logins, bearer},
        proxies::{Peer, client},
        token::{Login, Who},
    },
    error::{ApiError, Code},
    extract::{BODY_MAX_BYTES, read_body},
    live_view::{Known, LiveSession},
    middleware::renew,
};

/// Where it is.
pub const PATH: &str = "/api/sessions/heartbeat";

/// What is asked; also sent as text/plain, or as a beacon's blob.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatRequest<'a> {
    /// Which session.
    #[serde(borrow, default)]
    #[schema(value_type = uuid::Uuid)]
    session_id: Option<Cow<'a, str>>,
}

/// The answer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the two answers are written out below; this documents them")]
pub struct HeartbeatAnswer {
    /// Whether the session lives.
    ok: bool,
    /// `SESSION_CLOSED` when it does not.
    error: Option<String>,
}

const LIVES: &str = r#"{"ok":true}"#;
const CLOSED: &str = r#"{"ok":false,"error":"SESSION_CLOSED"}"#;

pub(crate) fn read(body: &[u8]) -> Result<SessionId, ApiError> {
    // A list would pass as well: serde reads structs from both.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(ApiError::payload("the body must be a JSON object"));
    }
    let request: HeartbeatRequest<'_> = serde_json::from_slice(body)
        .map_err(|error| ApiError::payload(format!("the body is not as it should be: {error}")))?;
    let id = request.session_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
    id.ok_or_else(|| ApiError::payload("sessionId is needed"))?
        .parse()
        .map_err(|_| ApiError::payload("sessionId is not well formed"))
}

/// A sign of life of a session.
#[utoipa::path(post, path = "/api/sessions/heartbeat", tag = "worker", request_body = HeartbeatRequest<'_>,
    responses((status = 200, body = HeartbeatAnswer), (status = 400, description = "INVALID_PAYLOAD"),
        (status = 503, description = "NO_OWNER: this gateway cannot reach the owner, use another")))]
pub async fn heartbeat(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    crate::extract::check_origin(&parts, &app)?;
    let id = read(&read_body(&parts.headers, body, BODY_MAX_BYTES).await?)?;
    match app.view.sessions.get(id) {
        Known::Active(live) => active(&app, &parts, &live),
        Known::Closed(live) => {
            login_for(&app, &parts.headers, &live)?;
            Ok(json(CLOSED))
        }
        Known::Not => not_known(&app, &parts.headers, id).await,
    }
}

fn active(app: &App, parts: &Parts, live: &LiveSession) -> Result<Response, ApiError> {
    let login = login_for(app, &parts.headers, live)?;
    if !app.heartbeats.are_heard(live) {
        return Err(Code::NoOwner.into());
    }
    app.heartbeats.beat(live);
    let mut response = json(LIVES);
    if let Some(login) = login {
        let by_cookie = !parts.headers.contains_key(header::AUTHORIZATION);
        let peer = parts.extensions.get::<Peer>().copied();
        let https = || client(peer, &parts.headers, &app.settings.trusted_proxies).https;
        renew(app, &login, by_cookie, by_cookie && https(), &mut response);
    }
    Ok(response)
}

/// The login that may speak for this worker: found by the worker's own cookie, or the bearer token, before anything
/// else is looked at. An account may too, and has no cookie to renew here.
fn login_for(app: &App, headers: &HeaderMap, live: &LiveSession) -> Result<Option<Arc<Login>>, ApiError> {
    let worker = live.session.worker_id;
    let token = match headers.get(header::AUTHORIZATION) {
        Some(value) => value.to_str().ok().and_then(bearer),
        None => cookies::of_worker(headers, worker),
    };
    let login = token.and_then(|token| app.auth.check(token));
    if let Some(login) = login.filter(|login| login.who == Who::Worker(worker)) {
        return Ok(Some(login));
    }
    let logins = Logins::of(headers, &app.auth);
    logins.any()?;
    if logins.workers().any(|signed_in| signed_in == worker) {
        return Ok(None);
    }
    match logins.account(Role::Supervisor) {
        Ok(account) if account.sees(live.session.station_id) => Ok(None),
        // Somebody else's session: whether it exists is nobody else's business.
        _ => Err(Code::NotFound.into()),
    }
}

/// A session the view does not know: looked up in the log before anybody is told that it is over (protocol rule 11).
async fn not_known(app: &App, headers: &HeaderMap, id: SessionId) -> Result<Response, ApiError> {
    let logins = Logins::of(headers, &app.auth);
    logins.any()?;
    for worker in logins.workers() {
        let Some((session, _)) = last_state(app, worker).await? else { continue };
        if session.id == id && session.is_active() {
            // Opened a moment ago, and the view is about to know it; or the view lags, and nobody would hear the beat.
            if !app.heartbeats.beat_unseen(id, Partition::of(worker)) {
                return Err(Code::NoOwner.into());
            }
            return Ok(json(LIVES));
        }
    }
    Ok(json(CLOSED))
}

fn json(body: &'static str) -> Response {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, JSON)], body).into_response()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_beat_names_a_session_and_nothing_else_is_looked_at() {
        let id: SessionId = "0190a5c0-0000-7000-8000-000000000001".parse().unwrap();
        let body = format!(r#" {{"x": [1, {{}}], "sessionId": " {id} "}}"#);
        assert_eq!(read(body.as_bytes()).unwrap(), id);
        for bad in ["", "[]", "{}", r#"{"sessionId": null}"#, r#"{"sessionId": 1}"#, r#"{"sessionId": "x"}"#, "[\"x\"]"]
        {
            assert_eq!(read(bad.as_bytes()).unwrap_err().code(), Code::InvalidPayload, "{bad}");
        }
        assert!(read(format!("{{\"a\":{}", "[".repeat(50_000)).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }
    }
}
