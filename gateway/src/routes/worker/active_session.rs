//! `GET /api/workers/active-session`: the worker's session, from its owner. Looking changes nothing.

use axum::{Json, extract::State};
use bus_schemas::CommandBody;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    acting::{Stamp, for_worker, send_to_open},
    app::App,
    auth::logins::Access,
    error::Code,
    extract::{Params, Signed},
    records::{JobRecord, SessionRecord, StationRecord, Time},
    routes::Answer,
};

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct ActiveSessionAnswer {
    /// The session at work.
    session: Option<ActiveSession>,
    /// The session that waits for its start checklist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<ActiveSession>,
    /// While there is neither: the worker's last session, so that a tablet that comes back can say how it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<ActiveSession>,
}

/// A session with its place and job.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveSession {
    session: SessionRecord,
    station: StationRecord,
    job: JobRecord,
    /// When it would be closed for silence, by its owner.
    #[schema(value_type = Option<String>, format = DateTime)]
    grace_expires_at: Option<Time>,
}

/// The worker's active session.
#[utoipa::path(get, path = "/api/workers/active-session", tag = "worker",
    params(("workerId" = uuid::Uuid, Query, description = "Whose")),
    responses((status = 200, body = ActiveSessionAnswer), (status = 400, description = "WORKER_ID_REQUIRED")))]
pub async fn active_session(
    State(app): State<App>,
    Signed(caller): Signed,
    params: Params,
) -> Answer<ActiveSessionAnswer> {
    let worker = params.parsed("workerId")?.ok_or(Code::WorkerIdRequired)?;
    let acting = for_worker(&caller, worker, Access::Read)?;
    let done = send_to_open(&app, &caller, &acting, &Stamp::bodiless(&caller), CommandBody::Look).await?;
    let directory = app.directory();
    let found = done.session.as_ref().map(|session| {
        let found = ActiveSession {
            session: app.record(session),
            station: StationRecord::of_session(session, &directory),
            job: JobRecord::of_session(session, &directory),
            grace_expires_at: done.grace_expires_at_us.map(Time),
        };
        (session.is_active(), session.is_started(), found)
    });
    let mut answer = ActiveSessionAnswer { session: None, pending: None, previous: None };
    match found {
        Some((true, true, found)) => answer.session = Some(found),
        Some((true, false, found)) => answer.pending = Some(found),
        Some((false, _, found)) => answer.previous = Some(found),
        None => {}
    }
    Ok(Json(answer))
}
