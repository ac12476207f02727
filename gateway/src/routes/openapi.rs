//! `GET /api/openapi.json`: the contract, generated from the handlers.

use axum::Json;
use utoipa::OpenApi;

use super::{admin, authority, health, ready, worker};

/// The contract.
#[derive(OpenApi)]
#[openapi(
    info(title = "Andon", description = "A real-time session engine for shop floors: sessions of workers at stations.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")),
    tags((name = "worker", description = "What workers use"), (name = "admin", description = "What accounts use"),
        (name = "process", description = "What runs it")),
    components(schemas(crate::error::ErrorBody<'static>)),
    paths(
        worker::login::login, worker::logout::logout, worker::active_session::active_session,
        worker::stations::stations, worker::checklist::checklist, worker::reasons::reasons,
        worker::statuses::statuses, worker::jobs::open, worker::checklist_responses::responses,
        worker::status_events::status_event, worker::quantities::quantities, worker::heartbeat::heartbeat,
        worker::complete::complete, worker::abandon::abandon, worker::socket::socket,
        admin::login::login, admin::logout::logout, admin::refresh::refresh, admin::me::me,
        admin::sessions::sessions, admin::session::session,
        admin::sessions_csv::sessions_csv, admin::summary::summary, admin::close::close, admin::close_all::close_all,
        admin::feed::feed, admin::events::events,
        admin::directory::list, admin::directory::get, admin::record::put, admin::record::delete,
        admin::import::import, admin::export::export,
        admin::accounts::list, admin::accounts::create, admin::accounts::change,
        admin::devices::list, admin::devices::enrol, admin::devices::remove, admin::audit::audit,
        health::health, ready::ready, authority::authority,
    )
)]
pub struct Contract;

/// The contract as OpenAPI 3.1.
pub async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Contract::openapi())
}
