//! `GET /api/statuses`: what a session can be doing.

use axum::{Json, extract::State};
use bus_schemas::StationId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    extract::{Params, Signed},
    records::StatusRecord,
    routes::Answer,
};

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct StatusesAnswer {
    statuses: Vec<StatusRecord>,
}

/// The active statuses: those of everywhere, and the station's own.
#[utoipa::path(get, path = "/api/statuses", tag = "worker",
    params(("stationId" = Option<uuid::Uuid>, Query, description = "Where")),
    responses((status = 200, body = StatusesAnswer)))]
pub async fn statuses(State(app): State<App>, _: Signed, params: Params) -> Answer<StatusesAnswer> {
    let station: Option<StationId> = params.parsed("stationId")?;
    let directory = app.directory();
    let here = |of: Option<StationId>| of.is_none() || of == station;
    let wanted = directory.statuses().filter(|stored| stored.record.is_active && here(stored.record.station_id));
    let mut statuses: Vec<_> = wanted.map(|stored| StatusRecord::of(&stored.record)).collect();
    statuses.sort_by(|a, b| a.order().cmp(&b.order()));
    Ok(Json(StatusesAnswer { statuses }))
}
