//! `GET /api/admin/sessions/{id}`: one session with everything that happened in it.

use axum::{
    Json,
    extract::{Path, State},
};
use bus_schemas::SessionId;
use persistence::Role;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    acting::{PROJECTED_WITHIN, history_error},
    app::App,
    clock::wall_now,
    error::{ApiError, Code},
    extract::Signed,
    live_view::Known,
    records::{EventRecord, QuantityChangeRecord, SessionRow, StatusEventRecord},
    routes::Answer,
};

/// The answer: from one snapshot of the database.
#[derive(Serialize, ToSchema)]
pub struct SessionDetailAnswer {
    session: SessionRow,
    status_events: Vec<StatusEventRecord>,
    quantity_changes: Vec<QuantityChangeRecord>,
    events: Vec<EventRecord>,
}

/// The id in a path; what is none names nothing.
///
/// # Errors
/// It is none.
pub fn id(text: &str) -> Result<SessionId, ApiError> {
    text.parse().map_err(|_| Code::NotFound.into())
}

/// A session, its intervals, its quantity changes, and what happened to it: when, and by whom.
#[utoipa::path(get, path = "/api/admin/sessions/{id}", tag = "admin", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = SessionDetailAnswer), (status = 404, description = "NOT_FOUND"),
        (status = 503, description = "HISTORY_UNAVAILABLE")))]
pub async fn session(
    State(app): State<App>,
    Signed(caller): Signed,
    Path(path): Path<String>,
) -> Answer<SessionDetailAnswer> {
    let account = caller.logins.account(Role::Viewer)?;
    let id = id(&path)?;
    let live = match app.view.sessions.get(id) {
        Known::Active(live) | Known::Closed(live) => Some(live),
        Known::Not => None,
    };
    if live.as_ref().is_some_and(|live| !account.sees(live.session.station_id)) {
        return Err(Code::NotFound.into());
    }
    let store = app.store(Code::HistoryUnavailable)?;
    if let Some(live) = &live {
        // Not there in time: what there is, is shown.
        store.wait_for(live.seq, PROJECTED_WITHIN).await.map_err(history_error)?;
    }
    let Some(detail) = store.session(id).await.map_err(history_error)? else {
        return Err(if live.is_some() { Code::HistoryUnavailable.into() } else { Code::NotFound.into() });
    };
    if !account.sees(detail.session.station_id) {
        return Err(Code::NotFound.into());
    }
    let overlong = wall_now().since(detail.session.created_at_us) > app.settings.max_session;
    Ok(Json(SessionDetailAnswer {
        session: SessionRow::of_history(&detail.session, overlong),
        status_events: detail.status_events.iter().map(StatusEventRecord::from).collect(),
        quantity_changes: detail.quantity_changes.iter().map(QuantityChangeRecord::from).collect(),
        events: detail.events.iter().map(EventRecord::from).collect(),
    }))
}
