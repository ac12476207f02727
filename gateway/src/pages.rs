//! The pages that people see, embedded into the binary: the worker's shell, the supervisor's, and what both load.
//!
//! A page is one HTML file for all of its addresses; its script reads where the person is from the address. Debug
//! builds read `gateway/web` from disk at every request, so that a change is seen on reload.

mod asset;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vendor_tests;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::HeaderMap;

use crate::error::{ApiError, Code};
use asset::Kind;

/// Where everything lies that is no page itself. The rest of the path is the one below `gateway/web`.
pub const ASSETS: &str = "/assets/{*path}";

/// The worker's page, at each of its addresses.
pub async fn worker(headers: HeaderMap) -> Result<Response, ApiError> {
    served("index.html", &headers)
}

/// The supervisor's page, at `/admin` and whatever stands below: its script says what it does not know.
pub async fn admin(headers: HeaderMap) -> Result<Response, ApiError> {
    served("admin.html", &headers)
}

/// The service worker: at the root, because it can only look after what is below its own address.
pub async fn service_worker(headers: HeaderMap) -> Result<Response, ApiError> {
    served(asset::SERVICE_WORKER, &headers)
}

/// What makes the worker's page installable.
pub async fn manifest(headers: HeaderMap) -> Result<Response, ApiError> {
    served("manifest.webmanifest", &headers)
}

/// The icon that browsers ask for when a page names none.
pub async fn favicon(headers: HeaderMap) -> Result<Response, ApiError> {
    served("icons/icon.svg", &headers)
}

/// A script, a style sheet, an image.
pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    // Pages are served at their own addresses alone.
    if Kind::of(&path) == Some(Kind::Html) {
        return Err(Code::NotFound.into());
    }
    served(&path, &headers)
}

fn served(path: &str, asked: &HeaderMap) -> Result<Response, ApiError> {
    let asset = asset::find(path).ok_or(Code::NotFound)?;
    Ok(asset.answer(asked).into_response())
}
