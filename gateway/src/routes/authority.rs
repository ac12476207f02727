//! `GET /lan/ca.crt`: the certificate of the local authority that serves this network, for those who want to trust it.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;

use crate::{
    app::App,
    error::{ApiError, Code},
};

/// The path.
pub const PATH: &str = "/lan/ca.crt";

/// A certificate as PEM, of a type that tablets and phones offer to install. Compare its hash with the one that
/// `andon up --lan` prints before trusting it.
#[utoipa::path(get, path = PATH, tag = "process", responses(
    (status = 200, content_type = "application/x-x509-ca-cert", body = String),
    (status = 404, description = "No local authority serves this network")
))]
pub async fn authority(State(app): State<App>) -> Result<Response, ApiError> {
    let certificate = app.settings.authority.clone().ok_or(Code::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "application/x-x509-ca-cert")], certificate).into_response())
}
