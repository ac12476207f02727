//! Every route, on one page: the table that the router is made from, and that tests about all routes go through.

use axum::{
    Router,
    routing::{MethodRouter, delete, get, patch, post, put},
};
use http::Method;
use persistence::Role;

use crate::{
    app::App,
    auth::logins::Access,
    error::{ApiError, Code},
    middleware, pages,
    routes::{admin, authority, docs, health, openapi, ready, worker},
};

/// Who may use a route at all. The handler checks it; tests hold every handler to what stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nobody in particular.
    Nobody,
    /// Anybody who is signed in.
    Login,
    /// The worker whom the request names, or an account that may look after (or act for) every worker.
    Worker(Access),
    /// The worker whose session it is, or an account that may act at its station; to others it does not exist.
    Session,
    /// An account with this role or a higher one; limited to stations, it sees and touches what is there.
    Account(Role),
    /// The same, and not limited to stations: it is about the whole factory.
    WholeFactory(Role),
}

/// What a route takes in the body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A JSON object.
    Json,
    /// A JSON object, or nothing.
    MaybeJson,
    /// A JSON object, whatever the Content-Type says: a beacon cannot choose one.
    Beacon,
    /// A factory file.
    Toml,
}

/// One route.
#[derive(Debug)]
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path, with `{name}` where a value stands.
    pub path: &'static str,
    /// Who may use it.
    pub needs: Needs,
    /// What it takes.
    pub takes: Takes,
    /// Whether it is a page for people, or a file of one: no part of the contract with programs.
    pub page: bool,
    handler: fn() -> MethodRouter<App>,
}

const fn row(
    method: Method,
    path: &'static str,
    needs: Needs,
    takes: Takes,
    handler: fn() -> MethodRouter<App>,
) -> Route {
    Route { method, path, needs, takes, page: false, handler }
}

const fn page(path: &'static str, handler: fn() -> MethodRouter<App>) -> Route {
    Route { method: Method::GET, path, needs: Needs::Nobody, takes: Takes::Nothing, page: true, handler }
}

const READ: Needs = Needs::Worker(Access::Read);
const WRITE: Needs = Needs::Worker(Access::Write);
const VIEWER: Needs = Needs::Account(Role::Viewer);
const SUPERVISOR: Needs = Needs::Account(Role::Supervisor);
const ADMIN: Needs = Needs::WholeFactory(Role::Admin);

/// Every route there is: a new one is a row here, and thereby in every test about all routes.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    row(Method::GET, "/healthz", Needs::Nobody, Takes::Nothing, || get(health::health)),
    row(Method::GET, "/readyz", Needs::Nobody, Takes::Nothing, || get(ready::ready)),
    row(Method::GET, authority::PATH, Needs::Nobody, Takes::Nothing, || get(authority::authority)),
    row(Method::GET, "/api/openapi.json", Needs::Nobody, Takes::Nothing, || get(openapi::openapi)),
    row(Method::GET, "/api/docs", Needs::Nobody, Takes::Nothing, || get(docs::docs)),

    row(Method::POST, "/api/workers/login", Needs::Nobody, Takes::Json, || post(worker::login::login)),
    row(Method::POST, "/api/workers/logout", Needs::Nobody, Takes::MaybeJson, || post(worker::logout::logout)),
    row(Method::GET, "/api/workers/active-session", READ, Takes::Nothing, || get(worker::active_session::active_session)),
    row(Method::GET, "/api/stations", READ, Takes::Nothing, || get(worker::stations::stations)),
    row(Method::GET, "/api/checklists", Needs::Login, Takes::Nothing, || get(worker::checklist::checklist)),
    row(Method::GET, "/api/reasons", Needs::Login, Takes::Nothing, || get(worker::reasons::reasons)),
    row(Method::GET, "/api/statuses", Needs::Login, Takes::Nothing, || get(worker::statuses::statuses)),
    row(Method::POST, "/api/jobs", WRITE, Takes::Json, || post(worker::jobs::open)),
    row(Method::POST, "/api/checklists/responses", Needs::Session, Takes::Json, || post(worker::checklist_responses::responses)),
    row(Method::POST, "/api/status-events", Needs::Session, Takes::Json, || post(worker::status_events::status_event)),
    row(Method::POST, "/api/sessions/quantities", Needs::Session, Takes::Json, || post(worker::quantities::quantities)),
    row(Method::POST, worker::heartbeat::PATH, Needs::Session, Takes::Beacon, || post(worker::heartbeat::heartbeat)),
    row(Method::POST, "/api/sessions/complete", Needs::Session, Takes::Json, || post(worker::complete::complete)),
    row(Method::POST, "/api/sessions/abandon", Needs::Session, Takes::Json, || post(worker::abandon::abandon)),
    row(Method::GET, "/api/worker/socket", WRITE, Takes::Nothing, || get(worker::socket::socket)),

    row(Method::POST, "/api/admin/login", Needs::Nobody, Takes::Json, || post(admin::login::login)),
    row(Method::POST, "/api/admin/logout", Needs::Nobody, Takes::MaybeJson, || post(admin::logout::logout)),
    row(Method::POST, "/api/admin/refresh", VIEWER, Takes::MaybeJson, || post(admin::refresh::refresh)),
    row(Method::GET, "/api/admin/me", VIEWER, Takes::Nothing, || get(admin::me::me)),
    row(Method::GET, "/api/admin/sessions", VIEWER, Takes::Nothing, || get(admin::sessions::sessions)),
    row(Method::GET, "/api/admin/sessions.csv", VIEWER, Takes::Nothing, || get(admin::sessions_csv::sessions_csv)),
    row(Method::GET, "/api/admin/summary", VIEWER, Takes::Nothing, || get(admin::summary::summary)),
    row(Method::POST, admin::close_all::PATH, SUPERVISOR, Takes::MaybeJson, || post(admin::close_all::close_all)),
    row(Method::GET, "/api/admin/sessions/{id}", VIEWER, Takes::Nothing, || get(admin::session::session)),
    row(Method::POST, "/api/admin/sessions/{id}/close", SUPERVISOR, Takes::MaybeJson, || post(admin::close::close)),
    row(Method::GET, "/api/admin/feed", VIEWER, Takes::Nothing, || get(admin::feed::feed)),
    row(Method::GET, "/api/admin/events", VIEWER, Takes::Nothing, || get(admin::events::events)),
    row(Method::POST, "/api/admin/directory/import", ADMIN, Takes::Toml, || post(admin::import::import)),
    row(Method::GET, "/api/admin/directory/export", ADMIN, Takes::Nothing, || get(admin::export::export)),
    row(Method::GET, "/api/admin/directory/{kind}", VIEWER, Takes::Nothing, || get(admin::directory::list)),
    row(Method::GET, "/api/admin/directory/{kind}/{id}", VIEWER, Takes::Nothing, || get(admin::directory::get)),
    row(Method::PUT, "/api/admin/directory/{kind}/{id}", ADMIN, Takes::Json, || put(admin::record::put)),
    row(Method::DELETE, "/api/admin/directory/{kind}/{id}", ADMIN, Takes::MaybeJson, || delete(admin::record::delete)),

    row(Method::GET, "/api/admin/accounts", ADMIN, Takes::Nothing, || get(admin::accounts::list)),
    row(Method::POST, "/api/admin/accounts", ADMIN, Takes::Json, || post(admin::accounts::create)),
    row(Method::PATCH, "/api/admin/accounts/{name}", ADMIN, Takes::Json, || patch(admin::accounts::change)),
    row(Method::GET, "/api/admin/devices", ADMIN, Takes::Nothing, || get(admin::devices::list)),
    row(Method::POST, "/api/admin/devices", ADMIN, Takes::Json, || post(admin::devices::enrol)),
    row(Method::DELETE, "/api/admin/devices/{id}", ADMIN, Takes::MaybeJson, || delete(admin::devices::remove)),
    row(Method::GET, "/api/admin/audit", ADMIN, Takes::Nothing, || get(admin::audit::audit)),

    page("/", || get(pages::worker)),
    page("/login", || get(pages::worker)),
    page("/stations", || get(pages::worker)),
    page("/job/{station}", || get(pages::worker)),
    page("/start", || get(pages::worker)),
    page("/work", || get(pages::worker)),
    page("/end", || get(pages::worker)),
    page("/summary/{session}", || get(pages::worker)),
    page("/resume", || get(pages::worker)),
    page("/admin", || get(pages::admin)),
    page("/admin/", || get(pages::admin)),
    page("/admin/{*rest}", || get(pages::admin)),
    page(pages::ASSETS, || get(pages::asset)),
    page("/sw.js", || get(pages::service_worker)),
    page("/manifest.webmanifest", || get(pages::manifest)),
    page("/favicon.ico", || get(pages::favicon)),
];

/// The routes of a gateway.
pub(crate) fn router(app: App) -> Router {
    ROUTES
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
        .fallback(|| async { ApiError::from(Code::NotFound) })
        .method_not_allowed_fallback(|| async { ApiError::from(Code::MethodNotAllowed) })
        // Bodies are limited where they are read, each route by what it takes.
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn_with_state(app.clone(), middleware::around))
        .with_state(app)
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "router/roles_tests.rs"]
mod roles_tests;

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;
