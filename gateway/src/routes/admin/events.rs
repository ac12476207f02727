//! `GET /api/admin/events`: single events from the log, for who was told of a gap.

use std::time::Duration;

use andon_nats::{Bus, Followed, Follower, Start, StoredMessage};
use axum::{Json, extract::State};
use bus_schemas::{
    Actor, SessionEvent,
    subject::{SESSIONS, STREAM_LOG},
};
use persistence::Role;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    auth::logins::AccountLogin,
    error::{ApiError, Code},
    extract::{Params, Signed},
    feed::limits::BACKFILL_MAX,
    records::{SessionRow, StatusEventRecord, Time},
    routes::Answer,
};

/// Time for a page.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// One event.
#[derive(Serialize, ToSchema)]
pub struct EventRecord {
    /// Its place in the log.
    seq: u64,
    event_id: Uuid,
    session_id: Uuid,
    /// Its number in the session: 1, 2, 3 …
    version: u64,
    kind: &'static str,
    #[schema(value_type = String, format = DateTime)]
    at: Time,
    /// `worker`, `account` or `system`.
    by: &'static str,
    /// The account's name.
    account: Option<Box<str>>,
    /// The session after it.
    session: SessionRow,
    /// The intervals it ended.
    ended: Vec<StatusEventRecord>,
}

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct EventsAnswer {
    events: Vec<EventRecord>,
    /// Go on with `after` at this; null when all was read.
    next_after: Option<u64>,
    /// Up to here the log has been cut: what is missing is in the history.
    missing_until: Option<u64>,
}

/// Events after one sequence and up to another, oldest first; 1 000 a page.
#[utoipa::path(get, path = "/api/admin/events", tag = "admin",
    params(("after" = u64, Query), ("until" = Option<u64>, Query, description = "included; the newest when absent")),
    responses((status = 200, body = EventsAnswer), (status = 503, description = "NOT_READY")))]
pub async fn events(State(app): State<App>, Signed(caller): Signed, params: Params) -> Answer<EventsAnswer> {
    let account = caller.logins.account(Role::Viewer)?;
    let after: u64 = params.parsed("after")?.ok_or_else(|| ApiError::payload("after is needed"))?;
    let until: u64 = params.parsed("until")?.unwrap_or(u64::MAX);
    let (bus, _) = app.edits()?;
    let Ok(_permit) = app.lookups.try_acquire() else { return Err(Code::Busy.into()) };
    match timeout(READ_WITHIN, read(bus, &account, after, until)).await {
        Ok(answer) => answer.map(Json),
        Err(_) => Err(Code::NotReady.into()),
    }
}

async fn read(bus: &Bus, account: &AccountLogin, after: u64, until: u64) -> Result<EventsAnswer, ApiError> {
    let facts = bus.stream_info(STREAM_LOG, READ_WITHIN).await.map_err(|error| {
        tracing::warn!(%error, "the log cannot be read");
        ApiError::from(Code::NotReady)
    })?;
    let until = until.min(facts.last_seq);
    let cut = facts.first_seq.max(1) - 1;
    let from = after.max(cut);
    let mut answer =
        EventsAnswer { events: Vec::new(), next_after: None, missing_until: (after < cut).then_some(cut.min(until)) };
    if from >= until {
        return Ok(answer);
    }
    let last = until.min(from + BACKFILL_MAX);
    answer.next_after = (last < until).then_some(last);
    let filters = vec![SESSIONS.to_owned()];
    let mut follower = Follower::new(bus.clone(), STREAM_LOG, filters, Start::Sequence(from + 1));
    loop {
        match follower.next().await {
            Followed::Message(message) if message.seq <= last => answer.events.extend(record(&message, account)),
            Followed::Message(_) | Followed::CaughtUp => return Ok(answer),
            // It goes on by itself, as long as there is time.
            Followed::Interrupted(why) => tracing::debug!(why, "the reading of events was interrupted"),
        }
        if follower.last_seq() >= last {
            return Ok(answer);
        }
    }
}

/// What this account may see of a message; nothing of one that cannot be read.
fn record(message: &StoredMessage, account: &AccountLogin) -> Option<EventRecord> {
    let event = message.decode::<SessionEvent>().ok()?;
    let session = &event.state.session;
    if !account.sees(session.station_id) {
        return None;
    }
    let (by, account) = match event.actor {
        Actor::Worker(_) => ("worker", None),
        Actor::Admin(name) => ("account", Some(name)),
        Actor::System => ("system", None),
    };
    let note = session.open.as_ref().and_then(|interval| interval.note.as_deref());
    Some(EventRecord {
        seq: message.seq,
        event_id: event.event_id.0,
        session_id: event.session_id.0,
        version: event.version,
        kind: event.kind.name(),
        at: Time(event.at_us),
        by,
        account,
        session: SessionRow::of(session, None, note, false),
        ended: event.ended.iter().map(|interval| StatusEventRecord::of(event.session_id, interval)).collect(),
    })
}
