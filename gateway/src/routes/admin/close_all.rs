//! `POST /api/admin/sessions/close-all`: a supervisor closes every active session, each exactly once.

use std::sync::Arc;

use axum::{Json, extract::State};
use bus_schemas::{CommandBody, audit::AuditAction};
use futures::StreamExt;
use persistence::Role;

use super::close::{CloseAnswer, FailedClose};
use crate::{
    acting::{Acting, Stamp, send_to_open},
    app::App,
    audit,
    auth::logins::AccountLogin,
    error::{ApiError, Code},
    extract::{Caller, MaybeFields, Signed},
    live_view::LiveSession,
    routes::Answer,
};

/// Where it is.
pub const PATH: &str = "/api/admin/sessions/close-all";
/// Closes in flight: enough to keep the log busy, few enough to leave room for workers.
const AT_ONCE: usize = 64;

/// Closes all that are active now, and that the account may see. A session closed by somebody else meanwhile is
/// neither counted nor a failure.
#[utoipa::path(post, path = "/api/admin/sessions/close-all", tag = "admin",
    responses((status = 200, body = CloseAnswer), (status = 503, description = "NOT_READY: the log cannot be reached")))]
pub async fn close_all(State(app): State<App>, Signed(caller): Signed, fields: MaybeFields) -> Answer<CloseAnswer> {
    let account = caller.logins.account(Role::Supervisor)?;
    let stamp = Stamp::of(&caller, &fields.0)?;
    // Whoever was told that a session is open has it closed: the view may be a moment behind.
    if !app.view.feed.at_head(app.edits.as_ref().map(|(bus, _)| bus), &app.view.head).await {
        return Err(Code::NotReady.into());
    }
    let sessions = app.view.sessions.active();
    let outcomes = futures::stream::iter(sessions.into_iter().filter(|live| account.sees(live.session.station_id)))
        .map(|live| close_one(&app, &caller, &account, &stamp, live))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let mut answer = CloseAnswer::default();
    for (live, outcome) in outcomes {
        match outcome {
            Ok(()) => answer.closed += 1,
            Err(error) if error.code() == Code::SessionClosed => {}
            Err(error) => answer.failed.push(FailedClose {
                session_id: live.session.id.0,
                error: error.code().as_str(),
                message: error.message().to_owned(),
            }),
        }
    }
    let detail = format!("{} closed, {} not", answer.closed, answer.failed.len());
    audit::note(&app, &account.actor(), AuditAction::CloseAllSessions, "", Some(&detail)).await;
    Ok(Json(answer))
}

/// Command ids are unique per worker, and a worker has one active session: the same id serves for all.
async fn close_one(
    app: &App,
    caller: &Caller,
    account: &AccountLogin,
    stamp: &Stamp,
    live: Arc<LiveSession>,
) -> (Arc<LiveSession>, Result<(), ApiError>) {
    let acting = Acting { worker: live.session.worker_id, actor: account.actor() };
    let body = CommandBody::AdminClose { session_id: live.session.id };
    let closed = send_to_open(app, caller, &acting, stamp, body).await;
    (live, closed.map(|_| ()))
}
