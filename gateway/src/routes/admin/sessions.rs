//! `GET /api/admin/sessions`: active sessions from the live view, closed ones from history.

mod filter;

use std::{cmp::Reverse, sync::Arc, time::Duration};

use axum::{Json, extract::State};
use bus_schemas::{SessionId, TimeUs};
use persistence::Role;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    acting::history_error,
    app::App,
    auth::logins::AccountLogin,
    clock::wall_now,
    error::{ApiError, Code},
    extract::{Params, Signed},
    live_view::LiveSession,
    records::SessionRow,
    routes::Answer,
};
pub use filter::{Filter, PAGE_MAX};

/// What `recent` means, when nobody names a time.
const RECENT: Duration = Duration::from_secs(24 * 3_600);

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct SessionsAnswer {
    sessions: Vec<SessionRow>,
    /// For the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Sessions, newest first.
#[utoipa::path(get, path = "/api/admin/sessions", tag = "admin",
    params(("state" = Option<String>, Query, description = "active (the default), recent (closed in the last 24 hours) or closed"),
        ("station" = Option<uuid::Uuid>, Query), ("worker" = Option<uuid::Uuid>, Query),
        ("job" = Option<String>, Query, description = "id or number"),
        ("cause" = Option<String>, Query, description = "completed, idle, abandoned, replaced or admin; of closed ones"),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("limit" = Option<u32>, Query, description = "50, at most 200"), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = SessionsAnswer), (status = 503, description = "HISTORY_UNAVAILABLE")))]
pub async fn sessions(State(app): State<App>, Signed(caller): Signed, params: Params) -> Answer<SessionsAnswer> {
    let account = caller.logins.account(Role::Viewer)?;
    let mut filter = Filter::read(&params)?;
    let cursor = params.text("cursor")?;
    match params.text("state")?.unwrap_or("active") {
        "active" => active(&app, &account, &filter, cursor).map(Json),
        "recent" => {
            filter.from = filter.from.or(Some(wall_now().before(RECENT)));
            closed(&app, &account, &filter, cursor).await.map(Json)
        }
        "closed" => closed(&app, &account, &filter, cursor).await.map(Json),
        _ => Err(ApiError::payload("state is active, recent or closed")),
    }
}

fn active(
    app: &App,
    account: &AccountLogin,
    filter: &Filter,
    cursor: Option<&str>,
) -> Result<SessionsAnswer, ApiError> {
    let after = cursor.map(read_cursor).transpose()?;
    let key = |live: &Arc<LiveSession>| Reverse((live.session.opened_at_us, live.session.id));
    let mut found: Vec<_> = app
        .view
        .sessions
        .active()
        .into_iter()
        .filter(|live| filter.takes(live) && account.sees(live.session.station_id))
        .filter(|live| after.is_none_or(|after| key(live) > Reverse(after)))
        .collect();
    found.sort_by_key(key);
    let more = found.len() > filter.limit as usize;
    found.truncate(filter.limit as usize);
    let next = found.last().filter(|_| more).map(|live| write_cursor(live.session.opened_at_us, live.session.id));
    let (now, max) = (wall_now(), app.settings.max_session);
    let row = |live: &Arc<LiveSession>| {
        let overlong = now.since(live.session.opened_at_us) > max;
        SessionRow::of(&live.session, Some(live.last_seen()), live.last_note.as_deref(), overlong)
    };
    Ok(SessionsAnswer { sessions: found.iter().map(row).collect(), next_cursor: next })
}

fn write_cursor(at: TimeUs, id: SessionId) -> String {
    format!("{:x}.{}", at.as_micros(), id.0.as_simple())
}

fn read_cursor(text: &str) -> Result<(TimeUs, SessionId), ApiError> {
    let read = || {
        let (at, id) = text.split_once('.')?;
        Some((TimeUs::from_micros(i64::from_str_radix(at, 16).ok()?), id.parse().ok()?))
    };
    read().ok_or_else(|| ApiError::payload("this is no cursor: use the next_cursor of the page before, unchanged"))
}

async fn closed(
    app: &App,
    account: &AccountLogin,
    filter: &Filter,
    cursor: Option<&str>,
) -> Result<SessionsAnswer, ApiError> {
    let cursor = cursor.map(str::parse).transpose().map_err(|error| ApiError::payload(format!("{error}")))?;
    let Some(mut history) = filter.of_history(account)? else {
        return Ok(SessionsAnswer { sessions: Vec::new(), next_cursor: None });
    };
    history.cursor = cursor;
    let page = app.store(Code::HistoryUnavailable)?.closed_sessions(&history).await.map_err(history_error)?;
    Ok(SessionsAnswer {
        sessions: page.sessions.iter().map(|row| SessionRow::of_history(row, false)).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_being_text() {
        let (at, id) = (TimeUs::from_micros(1_780_000_000_000_001), SessionId(uuid::Uuid::from_u128(7)));
        assert_eq!(read_cursor(&write_cursor(at, id)).unwrap(), (at, id));
        for bad in ["", ".", "x.y", "1."] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
