//! `GET /api/admin/summary`: what was made since a point in time, for the head of a board.

use axum::{Json, extract::State};
use persistence::Role;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    acting::{PROJECTED_WITHIN, history_error},
    app::App,
    error::{ApiError, Code},
    extract::{Params, Signed},
    records::Time,
    routes::Answer,
};

/// The answer. Pieces since `from`, active sessions included: `good` + what active sessions report now −
/// `carried_good`.
#[derive(Serialize, ToSchema)]
pub struct SummaryAnswer {
    #[schema(value_type = String, format = DateTime)]
    from: Time,
    /// Sessions that ended since then.
    sessions_closed: u64,
    /// Good pieces reported since then in sessions that have ended.
    good: i64,
    /// Scrap pieces, likewise.
    scrap: i64,
    /// Good pieces that sessions which are still active had reported before then.
    carried_good: i64,
    /// Scrap pieces, likewise.
    carried_scrap: i64,
}

/// What was made since `from`, at the stations that the account sees.
#[utoipa::path(get, path = "/api/admin/summary", tag = "admin",
    params(("from" = String, Query, description = "RFC 3339")),
    responses((status = 200, body = SummaryAnswer), (status = 400, description = "INVALID_PAYLOAD"),
        (status = 503, description = "HISTORY_UNAVAILABLE")))]
pub async fn summary(State(app): State<App>, Signed(caller): Signed, params: Params) -> Answer<SummaryAnswer> {
    let account = caller.logins.account(Role::Viewer)?;
    let from = params.time("from")?.ok_or_else(|| ApiError::payload("from is missing: since when, in RFC 3339"))?;
    let store = app.store(Code::HistoryUnavailable)?;
    // Not there in time: what there is, is shown.
    store.wait_for(app.view.head.seq(), PROJECTED_WITHIN).await.map_err(history_error)?;
    let made = store.summary(from, account.stations.as_deref()).await.map_err(history_error)?;
    Ok(Json(SummaryAnswer {
        from: Time(from),
        sessions_closed: made.sessions_closed,
        good: made.good,
        scrap: made.scrap,
        carried_good: made.carried_good,
        carried_scrap: made.carried_scrap,
    }))
}
