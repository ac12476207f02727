//! `GET /api/stations`: where a worker may work, and who works there now.

use axum::{Json, extract::State};
use bus_schemas::StationId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    acting::for_worker,
    app::App,
    auth::logins::Access,
    error::Code,
    extract::{Params, Signed},
    records::{StationRecord, Time},
    routes::Answer,
};

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct StationsAnswer {
    stations: Vec<StationWithCrew>,
}

/// A station and who works at it.
#[derive(Serialize, ToSchema)]
pub struct StationWithCrew {
    #[serde(flatten)]
    station: StationRecord,
    occupied_by: Vec<Occupant>,
}

/// A session at a station.
#[derive(Serialize, ToSchema)]
pub struct Occupant {
    session_id: Uuid,
    worker_name: Box<str>,
    /// When it would be closed for silence, as far as this gateway knows.
    #[schema(value_type = String, format = DateTime)]
    grace_expires_at: Time,
}

/// The active stations assigned to a worker, oldest assignment first.
#[utoipa::path(get, path = "/api/stations", tag = "worker",
    params(("workerId" = uuid::Uuid, Query, description = "Whose")),
    responses((status = 200, body = StationsAnswer), (status = 400, description = "WORKER_ID_REQUIRED")))]
pub async fn stations(State(app): State<App>, Signed(caller): Signed, params: Params) -> Answer<StationsAnswer> {
    let worker = params.parsed("workerId")?.ok_or(Code::WorkerIdRequired)?;
    for_worker(&caller, worker, Access::Read)?;
    let directory = app.directory();
    let worker = directory.worker(worker).ok_or(Code::NotFound)?;
    let mut assignments = worker.record.assignments.clone();
    assignments.sort_by_key(|assignment| assignment.created_at_us);
    let stations = assignments
        .iter()
        .filter_map(|assignment| directory.station(assignment.station_id))
        .filter(|stored| stored.record.is_active)
        .map(|stored| StationWithCrew {
            station: StationRecord::of(&stored.record),
            occupied_by: crew(&app, stored.record.id),
        })
        .collect();
    Ok(Json(StationsAnswer { stations }))
}

fn crew(app: &App, station: StationId) -> Vec<Occupant> {
    let mut sessions = app.view.sessions.at_station(station);
    sessions.sort_by_key(|live| live.session.opened_at_us);
    let idle = app.settings.idle_timeout;
    sessions
        .iter()
        .map(|live| Occupant {
            session_id: live.session.id.0,
            worker_name: live.session.names.worker.clone(),
            grace_expires_at: Time(live.last_seen().after(idle)),
        })
        .collect()
}
