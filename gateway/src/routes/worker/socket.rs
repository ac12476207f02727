//! `GET /api/worker/socket`: a worker's commands, signs of life, and pushes of the own session, on a WebSocket.

use axum::{
    extract::{Request, State},
    response::Response,
};
use bus_schemas::WorkerId;
use persistence::Role;

use crate::{
    acting::for_worker,
    app::App,
    auth::{
        logins::{Access, Logins},
        token::Who,
    },
    error::{ApiError, Code},
    extract::{Caller, Params, Signed},
    feed::{
        connection::{Begin, Connection, Looks},
        socket::Tongue,
        step::{Mode, Transport},
    },
    websocket::Upgrade,
    worker_socket::{self, Opened},
};

/// Opens a worker's socket; see `docs/feed.md`.
#[utoipa::path(get, path = "/api/worker/socket", tag = "worker",
    params(("workerId" = Option<uuid::Uuid>, Query, description = "whose; needed where several are signed in"),
        ("after" = Option<String>, Query, description = "a cursor: what has changed since")),
    responses((status = 101, description = "a WebSocket of andon.feed.v1"),
        (status = 400, description = "WORKER_ID_REQUIRED"), (status = 503, description = "NOT_READY")))]
pub async fn socket(
    State(app): State<App>,
    Signed(caller): Signed,
    params: Params,
    request: Request,
) -> Result<Response, ApiError> {
    let worker = match params.parsed("workerId")? {
        Some(worker) => worker,
        None => only_worker(&caller)?,
    };
    let acting = for_worker(&caller, worker, Access::Write)?;
    let after = params.text("after")?.map(str::parse);
    let (mut parts, _) = request.into_parts();
    if caller.logins.are_by_cookie() && !app.settings.origins.accept(&parts.headers) {
        return Err(Code::OriginRefused.into());
    }
    let upgrade = Upgrade::read(&mut parts).map_err(|error| ApiError::payload(error.to_string()))?;
    let lives = acting.actor.is_worker();
    // The login that lets in; others of the same browser have no say here.
    let login = if lives {
        let own = caller.logins.all().iter().find(|login| login.who == Who::Worker(worker));
        own.cloned().ok_or(Code::Forbidden)?
    } else {
        caller.logins.account(Role::Supervisor)?.login
    };
    let begin = Begin { mode: Mode::Latest, looks: Looks::Worker(worker), after, transport: Transport::WebSocket };
    let connection = Connection::open(&app, &login, begin).await?;
    let caller = Caller { logins: Logins::only(login), ..caller };
    Ok(worker_socket::upgrade(upgrade, Opened { app, caller, worker, lives }, connection, Tongue::of(&parts.headers)))
}

fn only_worker(caller: &Caller) -> Result<WorkerId, ApiError> {
    let mut workers = caller.logins.workers();
    match (workers.next(), workers.next()) {
        (Some(worker), None) => Ok(worker),
        _ => Err(Code::WorkerIdRequired.into()),
    }
}
