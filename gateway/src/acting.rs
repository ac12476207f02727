//! For whom a request acts, and how its command is sent: what all command routes share.

use std::{sync::Arc, time::Duration};

use bus_schemas::{Actor, CommandBody, CommandId, Done, Session, SessionId, TimeUs, WorkerId, command::AbandonReason};
use persistence::{Role, StoreError};

use crate::{
    app::App,
    auth::logins::Access,
    commands::{NotDone, Order},
    error::{ApiError, Code},
    extract::{Caller, Fields},
    live_view::{Known, LiveSession},
};

/// How long history waits for the projection to reach what the live view shows.
pub const PROJECTED_WITHIN: Duration = Duration::from_secs(2);

/// For whom a request acts.
#[derive(Clone, Debug)]
pub struct Acting {
    /// Whose chain it is.
    pub worker: WorkerId,
    /// Who acts.
    pub actor: Actor,
}

/// What makes a command safe to repeat, and when the person pressed.
#[derive(Clone, Debug)]
pub struct Stamp {
    id: CommandId,
    reported_at: Option<TimeUs>,
}

impl Stamp {
    /// From the header or the fields; made here when the client names none.
    ///
    /// # Errors
    /// The client names something that is none.
    pub fn of(caller: &Caller, fields: &Fields) -> Result<Self, ApiError> {
        let id = match &caller.command_id {
            Some(id) => Some(id.clone()),
            None => fields.command_id()?,
        };
        Ok(Self { id: id.unwrap_or_else(made), reported_at: fields.occurred_at()? })
    }

    /// Of a request without a body.
    #[must_use]
    pub fn bodiless(caller: &Caller) -> Self {
        Self { id: caller.command_id.clone().unwrap_or_else(made), reported_at: None }
    }
}

fn made() -> CommandId {
    // 36 visible ASCII characters: always a command id; the fallback is one too.
    uuid::Uuid::new_v4().to_string().parse().unwrap_or_else(|_| CommandId::carried(SessionId(uuid::Uuid::nil()), 0))
}

/// Whose session this is, for a request that wants to act on it.
///
/// # Errors
/// No login; a session of somebody else, or of nobody: `NOT_FOUND`.
pub async fn on_session(app: &App, caller: &Caller, id: SessionId) -> Result<Acting, ApiError> {
    caller.logins.any()?;
    match app.view.sessions.get(id) {
        Known::Active(live) | Known::Closed(live) => known(caller, &live),
        Known::Not => unknown(app, caller, id).await,
    }
}

fn known(caller: &Caller, live: &Arc<LiveSession>) -> Result<Acting, ApiError> {
    let worker = live.session.worker_id;
    if caller.logins.workers().any(|signed_in| signed_in == worker) {
        return Ok(Acting { worker, actor: Actor::Worker(worker) });
    }
    match caller.logins.account(Role::Supervisor) {
        Ok(account) if account.sees(live.session.station_id) => Ok(Acting { worker, actor: account.actor() }),
        // Whether it exists is nobody else's business.
        _ => Err(Code::NotFound.into()),
    }
}

/// A session the view has not heard of: just opened, or closed long ago. The owner, or history, knows.
async fn unknown(app: &App, caller: &Caller, id: SessionId) -> Result<Acting, ApiError> {
    let mut workers = caller.logins.workers();
    if let (Some(only), None) = (workers.next(), workers.next()) {
        return Ok(Acting { worker: only, actor: Actor::Worker(only) });
    }
    for worker in caller.logins.workers() {
        if let Some(event) = last_state(app, worker).await?
            && (event.0.id == id || event.1.is_some_and(|previous| previous.id == id))
        {
            return Ok(Acting { worker, actor: Actor::Worker(worker) });
        }
    }
    let row = history_row(app, id).await?.ok_or(Code::NotFound)?;
    if caller.logins.workers().any(|worker| worker == row.worker_id) {
        return Ok(Acting { worker: row.worker_id, actor: Actor::Worker(row.worker_id) });
    }
    match caller.logins.account(Role::Supervisor) {
        Ok(account) if account.sees(row.station_id) => Ok(Acting { worker: row.worker_id, actor: account.actor() }),
        _ => Err(Code::NotFound.into()),
    }
}

/// The worker's latest session and the one before, from the log.
///
/// # Errors
/// The log cannot be read just now.
pub async fn last_state(app: &App, worker: WorkerId) -> Result<Option<(Session, Option<Session>)>, ApiError> {
    let Ok(_permit) = app.lookups.try_acquire() else { return Err(Code::Busy.into()) };
    match app.wire.last_event(worker).await {
        Ok(found) => Ok(found.map(|(event, _)| (event.state.session, event.state.previous.map(|session| *session)))),
        Err(error) => {
            tracing::warn!(%error, "the log cannot be asked");
            Err(Code::NoOwner.into())
        }
    }
}

async fn history_row(app: &App, id: SessionId) -> Result<Option<persistence::SessionRow>, ApiError> {
    let Some(store) = &app.store else { return Ok(None) };
    store.session_row(id).await.map_err(history_error)
}

/// What a failed read of history is for a client.
#[must_use]
pub fn history_error(error: StoreError) -> ApiError {
    tracing::warn!(%error, "history cannot be read");
    Code::HistoryUnavailable.into()
}

/// How a command ended.
pub enum Outcome {
    /// The owner did it.
    Done(Box<Done>),
    /// It is about a session that was closed long ago: older than what the worker's state remembers.
    LongClosed(Box<persistence::SessionRow>),
}

/// Sends a command. A worker's command is a sign of life of its session too, whatever becomes of it, unless it says
/// that the worker is gone.
///
/// # Errors
/// Refused, or not done.
pub async fn send(
    app: &App,
    caller: &Caller,
    acting: &Acting,
    stamp: &Stamp,
    body: CommandBody,
) -> Result<Outcome, ApiError> {
    let lives = acting.actor.is_worker() && is_sign_of_life(&body);
    if lives {
        app.heartbeats.beat_of_worker(acting.worker);
    }
    let order = Order {
        id: stamp.id.clone(),
        worker: acting.worker,
        actor: acting.actor.clone(),
        reported_at: stamp.reported_at,
        body,
        directory_seq: app.directory().seq(),
        traceparent: caller.trace.header(),
    };
    match app.commands.send(&order).await {
        Ok(done) => {
            if lives {
                // The answer may come from a stale owner: the beat goes to the one there is now.
                app.heartbeats.beat_of_worker(acting.worker);
            }
            Ok(Outcome::Done(done))
        }
        Err(NotDone::Refused(refusal)) if refusal.code == bus_schemas::RefusalCode::NotFound => {
            match long_closed(app, acting.worker, &order.body).await? {
                Some(row) => Ok(Outcome::LongClosed(Box::new(row))),
                // In the words in which a session of somebody else is not found.
                None if order.body.session_id().is_some() => Err(Code::NotFound.into()),
                None => Err((&*refusal).into()),
            }
        }
        Err(why) => {
            if matches!(why, NotDone::Poison(_)) {
                tracing::error!(worker = %order.worker, kind = order.body.name(), "the owner recorded a poison command");
            }
            Err(why.into())
        }
    }
}

const fn is_sign_of_life(body: &CommandBody) -> bool {
    !matches!(body, CommandBody::Look | CommandBody::Abandon { reason: AbandonReason::Expired, .. })
}

/// A closed session of this worker that only history remembers.
async fn long_closed(
    app: &App,
    worker: WorkerId,
    body: &CommandBody,
) -> Result<Option<persistence::SessionRow>, ApiError> {
    let Some(id) = body.session_id() else { return Ok(None) };
    let row = history_row(app, id).await?;
    Ok(row.filter(|row| row.worker_id == worker && row.ended_at_us.is_some()))
}

/// Sends a command whose aim is not reached by a session that was closed long ago.
///
/// # Errors
/// As [`send`], and `SESSION_CLOSED` for such a session.
pub async fn send_to_open(
    app: &App,
    caller: &Caller,
    acting: &Acting,
    stamp: &Stamp,
    body: CommandBody,
) -> Result<Box<Done>, ApiError> {
    match send(app, caller, acting, stamp, body).await? {
        Outcome::Done(done) => Ok(done),
        Outcome::LongClosed(row) => {
            let session = crate::records::SessionRecord::from(&*row);
            Err(ApiError::from(Code::SessionClosed).with_details(serde_json::json!({ "session": session })))
        }
    }
}

/// The session an owner's answer is about.
///
/// # Errors
/// The answer names none, which the contract forbids.
pub fn session_of(caller: &Caller, done: &Done) -> Result<Session, ApiError> {
    done.session.clone().ok_or_else(|| {
        tracing::error!("an owner's answer names no session");
        ApiError::internal(caller.trace.id())
    })
}

/// As who a request may act for this worker.
///
/// # Errors
/// No login, or none that may.
pub fn for_worker(caller: &Caller, worker: WorkerId, access: Access) -> Result<Acting, ApiError> {
    let actor = caller.logins.for_worker(worker, access)?;
    Ok(Acting { worker, actor })
}
