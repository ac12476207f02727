//! What one event says to each table.

use andon_nats::StoredMessage;
use bus_schemas::{EventKind, Interval, Session, SessionEvent};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::convert::{self, DoesNotFit, number, time, time_opt};

type Time = DateTime<Utc>;

/// Everything one event says.
pub struct EventRows<'a> {
    pub event: LogRow<'a>,
    pub session: SessionUpsert<'a>,
    /// The intervals it ended, and the open one.
    pub intervals: Vec<IntervalRow<'a>>,
    pub quantity: Option<QuantityRow>,
    /// Only of the event that opened the session.
    pub job: Option<JobRow<'a>>,
}

/// A row of `session_events`.
pub struct LogRow<'a> {
    pub seq: i64,
    pub event_id: Uuid,
    pub session_id: Uuid,
    pub version: i64,
    pub kind: &'static str,
    pub command_id: &'a str,
    pub actor: String,
    pub at: Time,
    pub stored_at: Time,
    pub detail: Option<Value>,
}

/// A row of `sessions`: the session as it is after the event.
pub struct SessionUpsert<'a> {
    pub session: &'a Session,
    pub started_at: Time,
    pub ended_at: Option<Time>,
    pub last_seen_at: Time,
    pub forced_closed_at: Option<Time>,
    pub last_status_change_at: Option<Time>,
    pub effective_end_at: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    pub version: i64,
    pub seq: i64,
}

/// A row of `status_events`.
pub struct IntervalRow<'a> {
    pub interval: &'a Interval,
    pub session_id: Uuid,
    pub started_at: Time,
    pub ended_at: Option<Time>,
    pub reported_at: Option<Time>,
    pub version: i64,
    pub ordinal: i16,
}

/// A row of `quantity_changes`.
pub struct QuantityRow {
    pub id: Uuid,
    pub session_id: Uuid,
    pub status_event_id: Uuid,
    pub total_good: i64,
    pub total_scrap: i64,
    pub good_delta: i64,
    pub scrap_delta: i64,
    pub reason_id: Option<Uuid>,
    pub at: Time,
    pub reported_at: Option<Time>,
    pub version: i64,
}

/// A row of `jobs`, as far as a session knows it.
pub struct JobRow<'a> {
    pub session: &'a Session,
    pub created_at: Time,
}

/// What this event, stored as this message, says to each table.
///
/// # Errors
/// A time or number that no column holds.
pub fn of<'a>(message: &StoredMessage, event: &'a SessionEvent) -> Result<EventRows<'a>, DoesNotFit> {
    let session = session_row(message, event)?;
    let job = match event.kind {
        EventKind::Opened { .. } => Some(JobRow { session: &event.state.session, created_at: session.created_at }),
        _ => None,
    };
    Ok(EventRows {
        event: log_row(message, event)?,
        intervals: interval_rows(event)?,
        quantity: quantity_row(event)?,
        session,
        job,
    })
}

fn log_row<'a>(message: &StoredMessage, event: &'a SessionEvent) -> Result<LogRow<'a>, DoesNotFit> {
    Ok(LogRow {
        seq: number("seq", message.seq)?,
        event_id: event.event_id.0,
        session_id: event.session_id.0,
        version: number("version", event.version)?,
        kind: event.kind.name(),
        command_id: event.command_id.as_str(),
        actor: convert::actor(&event.actor),
        at: time("at_us", event.at_us)?,
        stored_at: time("time of storing", message.time_us)?,
        detail: detail(&event.kind),
    })
}

/// What of an event stands in no other table.
fn detail(kind: &EventKind) -> Option<Value> {
    match kind {
        EventKind::Opened { replaces: Some(replaced) } => Some(json!({ "replaces": replaced })),
        EventKind::ChecklistCompleted { list, items } => Some(json!({ "list": list, "items": items })),
        _ => None,
    }
}

fn session_row<'a>(message: &StoredMessage, event: &'a SessionEvent) -> Result<SessionUpsert<'a>, DoesNotFit> {
    let session = &event.state.session;
    // An idle close names the last sign of life, also one that no event carried.
    let proof = match session.closed_cause {
        Some(bus_schemas::CloseCause::Idle) => session.effective_end_at_us.unwrap_or(session.last_proof_at_us),
        _ => session.last_proof_at_us,
    };
    Ok(SessionUpsert {
        session,
        started_at: time("started_at_us", session.started_at_us)?,
        ended_at: time_opt("ended_at_us", session.ended_at_us)?,
        last_seen_at: time("last_proof_at_us", proof)?,
        forced_closed_at: time_opt("forced_closed_at_us", session.forced_closed_at_us)?,
        last_status_change_at: time_opt("last_status_change_at_us", session.last_status_change_at_us)?,
        effective_end_at: time_opt("effective_end_at_us", session.effective_end_at_us)?,
        created_at: time("opened_at_us", session.opened_at_us)?,
        updated_at: time("updated_at_us", session.updated_at_us)?,
        version: number("version", event.version)?,
        seq: number("seq", message.seq)?,
    })
}

fn interval_rows(event: &SessionEvent) -> Result<Vec<IntervalRow<'_>>, DoesNotFit> {
    let intervals = event.ended.iter().chain(&event.state.session.open);
    intervals.zip(0_i16..).map(|(interval, ordinal)| interval_row(event, interval, ordinal)).collect()
}

fn interval_row<'a>(event: &SessionEvent, interval: &'a Interval, ordinal: i16) -> Result<IntervalRow<'a>, DoesNotFit> {
    Ok(IntervalRow {
        interval,
        session_id: event.session_id.0,
        started_at: time("started_at_us", interval.started_at_us)?,
        ended_at: time_opt("ended_at_us", interval.ended_at_us)?,
        reported_at: time_opt("reported_at_us", interval.reported_at_us)?,
        version: number("version", event.version)?,
        ordinal,
    })
}

fn quantity_row(event: &SessionEvent) -> Result<Option<QuantityRow>, DoesNotFit> {
    let EventKind::QuantitiesReported { good_delta, scrap_delta, reason_id, status_event_id, reported_at_us } =
        event.kind
    else {
        return Ok(None);
    };
    Ok(Some(QuantityRow {
        id: event.event_id.0,
        session_id: event.session_id.0,
        status_event_id: status_event_id.0,
        total_good: event.state.session.total_good,
        total_scrap: event.state.session.total_scrap,
        good_delta,
        scrap_delta,
        reason_id: reason_id.map(|id| id.0),
        at: time("at_us", event.at_us)?,
        reported_at: time_opt("reported_at_us", reported_at_us)?,
        version: number("version", event.version)?,
    }))
}
