//! `GET /api/reasons`: why stopped, or why scrap.

use axum::{Json, extract::State};
use bus_schemas::records::ReasonType;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::ApiError,
    extract::{Params, Signed},
    records::ReasonRecord,
    routes::Answer,
};

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct ReasonsAnswer {
    reasons: Vec<ReasonRecord>,
}

/// The active reasons of a type, by Hebrew label.
#[utoipa::path(get, path = "/api/reasons", tag = "worker",
    params(("type" = Option<String>, Query, description = "stop (the default) or scrap")),
    responses((status = 200, body = ReasonsAnswer)))]
pub async fn reasons(State(app): State<App>, _: Signed, params: Params) -> Answer<ReasonsAnswer> {
    let kind = match params.text("type")? {
        None | Some("stop") => ReasonType::Stop,
        Some("scrap") => ReasonType::Scrap,
        Some(_) => return Err(ApiError::payload("type is stop or scrap")),
    };
    let directory = app.directory();
    let wanted = directory.reasons().filter(|stored| stored.record.is_active && stored.record.kind == kind);
    let mut reasons: Vec<_> = wanted.map(|stored| ReasonRecord::of(&stored.record)).collect();
    reasons.sort_by(|a, b| a.label_he().cmp(b.label_he()));
    Ok(Json(ReasonsAnswer { reasons }))
}
