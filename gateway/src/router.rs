//! Every route, on one page.

use axum::{
    Router,
    routing::{get, post, put},
};

use crate::{
    app::App,
    error::{ApiError, Code},
    middleware,
    routes::{admin, docs, health, openapi, ready, worker},
};

/// The routes of a gateway.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(worker_routes())
        .merge(admin_routes())
        .route("/healthz", get(health::health))
        .route("/readyz", get(ready::ready))
        .route("/api/openapi.json", get(openapi::openapi))
        .route("/api/docs", get(docs::docs))
        .fallback(|| async { ApiError::from(Code::NotFound) })
        .method_not_allowed_fallback(|| async { ApiError::from(Code::MethodNotAllowed) })
        // Bodies are limited where they are read, each route by what it takes.
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn_with_state(app.clone(), middleware::around))
        .with_state(app)
}

fn worker_routes() -> Router<App> {
    Router::new()
        .route("/api/workers/login", post(worker::login::login))
        .route("/api/workers/logout", post(worker::logout::logout))
        .route("/api/workers/active-session", get(worker::active_session::active_session))
        .route("/api/stations", get(worker::stations::stations))
        .route("/api/checklists", get(worker::checklist::checklist))
        .route("/api/checklists/responses", post(worker::checklist_responses::responses))
        .route("/api/reasons", get(worker::reasons::reasons))
        .route("/api/statuses", get(worker::statuses::statuses))
        .route("/api/jobs", post(worker::jobs::open))
        .route("/api/status-events", post(worker::status_events::status_event))
        .route("/api/sessions/quantities", post(worker::quantities::quantities))
        .route(worker::heartbeat::PATH, post(worker::heartbeat::heartbeat))
        .route("/api/sessions/complete", post(worker::complete::complete))
        .route("/api/sessions/abandon", post(worker::abandon::abandon))
}

fn admin_routes() -> Router<App> {
    Router::new()
        .route("/api/admin/login", post(admin::login::login))
        .route("/api/admin/logout", post(admin::logout::logout))
        .route("/api/admin/refresh", post(admin::refresh::refresh))
        .route("/api/admin/me", get(admin::me::me))
        .route("/api/admin/sessions", get(admin::sessions::sessions))
        .route(admin::close_all::PATH, post(admin::close_all::close_all))
        .route("/api/admin/sessions/{id}", get(admin::session::session))
        .route("/api/admin/sessions/{id}/close", post(admin::close::close))
        .route("/api/admin/directory/import", post(admin::import::import))
        .route("/api/admin/directory/export", get(admin::export::export))
        .route("/api/admin/directory/{kind}", get(admin::directory::list))
        .route(
            "/api/admin/directory/{kind}/{id}",
            put(admin::record::put).get(admin::directory::get).delete(admin::record::delete),
        )
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;
