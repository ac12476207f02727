//! `GET /api/admin/feed`: the live feed, on a WebSocket, as server-sent events, or by long-poll.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, header, request};
use persistence::Role;

use crate::{
    app::App,
    auth::logins::AccountLogin,
    error::{ApiError, Code},
    extract::Signed,
    feed::{
        ask::Ask,
        connection::{Begin, Connection, Looks, NotNow},
        frame::Bye,
        poll,
        socket::{self, Tongue},
        sse,
        step::Transport,
    },
    websocket::Upgrade,
};

/// What a browser that comes back by itself sends.
const LAST_EVENT_ID: &str = "last-event-id";

/// Follows what happens; see `docs/feed.md`.
#[utoipa::path(get, path = "/api/admin/feed", tag = "admin",
    params(("station" = Option<Vec<uuid::Uuid>>, Query), ("status" = Option<Vec<String>>, Query),
        ("mode" = Option<String>, Query, description = "latest (the default) or every"),
        ("after" = Option<String>, Query, description = "a cursor: what has changed since"),
        ("wait" = Option<u64>, Query, description = "for a long-poll: seconds, at most 60")),
    responses((status = 101, description = "a WebSocket of andon.feed.v1"),
        (status = 200, description = "events, with Accept: text/event-stream; else {frames, cursor}"),
        (status = 429, description = "TOO_MANY_REQUESTS"), (status = 503, description = "NOT_READY")))]
pub async fn feed(State(app): State<App>, Signed(caller): Signed, request: Request) -> Result<Response, ApiError> {
    let account = caller.logins.account(Role::Viewer)?;
    let (mut parts, _) = request.into_parts();
    let last_event_id = parts.headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let query = parts.uri.query().unwrap_or_default();
    let ask = Ask::read(query, last_event_id, &app.directory()).map_err(ApiError::payload)?;
    if parts.headers.contains_key(header::UPGRADE) {
        if caller.logins.are_by_cookie() && !app.settings.origins.accept(&parts.headers) {
            return Err(Code::OriginRefused.into());
        }
        return on_socket(&app, &account, ask, &mut parts).await;
    }
    if accepts_events(&parts.headers) {
        return Ok(match Connection::open(&app, &account.login, begin(ask, Transport::Sse)).await {
            Ok(connection) => sse::stream(connection),
            Err(not_now) => sse::not_now(not_now),
        });
    }
    let wait = ask.wait.unwrap_or(Duration::ZERO);
    let connection = Connection::open(&app, &account.login, begin(ask, Transport::Poll)).await?;
    Ok(poll::answer(connection, wait))
}

async fn on_socket(
    app: &App,
    account: &AccountLogin,
    ask: Ask,
    parts: &mut request::Parts,
) -> Result<Response, ApiError> {
    let upgrade = Upgrade::read(parts).map_err(|error| ApiError::payload(error.to_string()))?;
    let connection = Connection::open(app, &account.login, begin(ask, Transport::WebSocket)).await?;
    Ok(socket::upgrade(upgrade, connection, Tongue::of(&parts.headers)))
}

fn begin(ask: Ask, transport: Transport) -> Begin {
    Begin { mode: ask.mode, looks: Looks::Asked(ask.wanted), after: ask.after, transport }
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT);
    accepted.iter().any(|value| value.to_str().is_ok_and(|value| value.contains("text/event-stream")))
}

impl From<NotNow> for ApiError {
    fn from(NotNow(bye): NotNow) -> Self {
        let code = match bye {
            Bye::TooMany(_) => Code::TooManyRequests,
            _ => Code::NotReady,
        };
        Self::from(code).retry_after(bye.retry().unwrap_or_default())
    }
}
