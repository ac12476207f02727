//! `GET /readyz`: commands are served, the view is live, log time is known; or what is missing.

use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Answer;
use crate::{
    app::App,
    error::{ApiError, Code},
};

/// The answer when nothing is missing.
#[derive(Serialize, ToSchema)]
pub struct ReadyAnswer {
    ready: bool,
}

/// What keeps this gateway from serving; empty when nothing does.
#[must_use]
pub fn missing(app: &App) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if !app.wire.connected() {
        missing.push("a connection to NATS");
    }
    if app.wire.log_now().is_none() {
        missing.push("log time to a quarter of a second");
    }
    if !app.directory.is_current() {
        missing.push("the directory as it is now");
    }
    missing.extend(app.heartbeats.missing());
    missing
}

/// Whether everything a worker needs is there.
#[utoipa::path(get, path = "/readyz", tag = "process",
    responses((status = 200, body = ReadyAnswer), (status = 503, description = "NOT_READY: says what is missing")))]
pub async fn ready(State(app): State<App>) -> Answer<ReadyAnswer> {
    let missing = missing(&app);
    if missing.is_empty() {
        return Ok(Json(ReadyAnswer { ready: true }));
    }
    let message = format!("not ready: missing {}", missing.join(", "));
    Err(ApiError::new(Code::NotReady, message).with_details(json!({ "missing": missing })))
}
