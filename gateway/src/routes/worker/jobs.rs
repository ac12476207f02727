//! `POST /api/jobs`: a worker opens a session at a station on a job.

use axum::{Json, extract::State};
use bus_schemas::{CommandBody, StationId, WorkerId, limits::JOB_NUMBER_MAX_CHARS, text::job_number};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    acting::{Stamp, for_worker, send_to_open, session_of},
    app::App,
    auth::logins::Access,
    error::{ApiError, Code},
    extract::{Fields, Signed, TextKind},
    records::{JobRecord, SessionRecord},
    routes::Answer,
};

/// What is asked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct OpenRequest {
    /// Who.
    #[schema(value_type = uuid::Uuid)]
    worker_id: WorkerId,
    /// Where.
    #[schema(value_type = uuid::Uuid)]
    station_id: StationId,
    /// On what; a job nobody named before is made by it.
    job_number: String,
}

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct OpenAnswer {
    job: JobRecord,
    session: SessionRecord,
}

impl OpenRequest {
    pub(crate) fn read(fields: &Fields) -> Result<Self, ApiError> {
        let (worker, station) = (fields.parsed("workerId")?, fields.parsed("stationId")?);
        // Its normal form may be shorter.
        let number = fields.text("jobNumber", 4 * JOB_NUMBER_MAX_CHARS, TextKind::Line)?;
        let number = number.as_deref().map(job_number).transpose();
        Ok(Self {
            worker_id: worker.ok_or(Code::MissingFields)?,
            station_id: station.ok_or(Code::MissingFields)?,
            job_number: number
                .map_err(|error| ApiError::payload(format!("jobNumber: {error}")))?
                .ok_or(Code::MissingFields)?,
        })
    }
}

/// Opens a session; the worker's active one, if there is one, is replaced.
#[utoipa::path(post, path = "/api/jobs", tag = "worker", request_body = OpenRequest,
    responses((status = 200, body = OpenAnswer), (status = 400, description = "MISSING_FIELDS"),
        (status = 403, description = "STATION_NOT_ASSIGNED, STATION_INACTIVE, WORKER_INACTIVE")))]
pub async fn open(State(app): State<App>, Signed(caller): Signed, fields: Fields) -> Answer<OpenAnswer> {
    let request = OpenRequest::read(&fields)?;
    let acting = for_worker(&caller, request.worker_id, Access::Write)?;
    let stamp = Stamp::of(&caller, &fields)?;
    let body = CommandBody::Open { station_id: request.station_id, job_number: request.job_number.into() };
    let done = send_to_open(&app, &caller, &acting, &stamp, body).await?;
    let session = session_of(&caller, &done)?;
    let job = JobRecord::of_session(&session, &app.directory());
    Ok(Json(OpenAnswer { job, session: app.record(&session) }))
}
