//! `GET /api/checklists`: what is asked before or after work at a station.

use axum::{Json, extract::State};
use bus_schemas::{StationId, command::ChecklistKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::Code,
    extract::{Params, Signed},
    records::ChecklistItemRecord,
    routes::Answer,
};

/// The answer; null for an unknown station.
#[derive(Serialize, ToSchema)]
pub struct ChecklistAnswer {
    checklist: Option<Checklist>,
}

/// A checklist.
#[derive(Serialize, ToSchema)]
pub struct Checklist {
    kind: &'static str,
    items: Vec<ChecklistItemRecord>,
}

/// Reads `start` or `end`.
#[must_use]
pub fn kind(text: &str) -> Option<ChecklistKind> {
    [ChecklistKind::Start, ChecklistKind::End].into_iter().find(|kind| kind.as_str() == text)
}

/// A station's start or end checklist, as it is now. Reading it is a sign of life of a worker at that station.
#[utoipa::path(get, path = "/api/checklists", tag = "worker",
    params(("stationId" = uuid::Uuid, Query, description = "Where"), ("kind" = String, Query, description = "start or end")),
    responses((status = 200, body = ChecklistAnswer), (status = 400, description = "MISSING_PARAMS")))]
pub async fn checklist(State(app): State<App>, Signed(caller): Signed, params: Params) -> Answer<ChecklistAnswer> {
    let station: StationId = params.parsed("stationId")?.ok_or(Code::MissingParams)?;
    let kind = params.text("kind")?.and_then(kind).ok_or(Code::MissingParams)?;
    for worker in caller.logins.workers() {
        if let Some(live) = app.view.sessions.of_worker(worker).filter(|live| live.session.station_id == station) {
            app.heartbeats.beat(&live);
        }
    }
    let directory = app.directory();
    let checklist = directory.station(station).map(|stored| {
        let items = match kind {
            ChecklistKind::Start => &stored.record.start_checklist,
            ChecklistKind::End => &stored.record.end_checklist,
        };
        Checklist { kind: kind.as_str(), items: ChecklistItemRecord::list(items) }
    });
    Ok(Json(ChecklistAnswer { checklist }))
}
