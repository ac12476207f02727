//! `GET /healthz`: the process lives.

use axum::Json;

use super::Ok;

/// The process answers. Says nothing about what it can do: see `/readyz`.
#[utoipa::path(get, path = "/healthz", tag = "process", responses((status = 200, body = Ok)))]
pub async fn health() -> Json<Ok> {
    Json(Ok::YES)
}
