//! The frames of `andon.feed.v1`, as JSON. One home: every transport carries these bytes.

use std::{fmt::Write, time::Duration};

use bus_schemas::{SessionId, TimeUs};
use serde_json::{Value, json};

use super::{
    cursor::{Cursor, Epoch},
    limits::{ENVELOPE_BYTES, FRAME_MAX_BYTES, PING_EVERY, RETRY},
};
use crate::records::Time;

/// What the subprotocol is called.
pub const PROTOCOL: &str = "andon.feed.v1";
/// The version that `hello` names.
const VERSION: u8 = 1;
/// Longest entry of a ping's list: `["<36>",<20>],`.
const SEEN_ENTRY_BYTES: usize = 64;
/// Signs of life in one ping.
pub const SEEN_MAX: usize = (FRAME_MAX_BYTES - ENVELOPE_BYTES) / SEEN_ENTRY_BYTES;

/// A frame, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its type.
    pub kind: &'static str,
    /// Its JSON.
    pub json: String,
    /// Where a viewer stands who has taken it: on the last part of a cut, and on pings.
    pub cursor: Option<Cursor>,
    /// With a farewell, its code.
    pub code: Option<u16>,
    /// When to come back: with `hello`, and with a farewell that is no refusal for good.
    pub retry: Option<Duration>,
}

impl Frame {
    pub(super) const fn new(kind: &'static str, json: String) -> Self {
        Self { kind, json, cursor: None, code: None, retry: None }
    }

    fn of(kind: &'static str, json: &Value) -> Self {
        Self::new(kind, json.to_string())
    }

    /// The start: what the viewer is connected to.
    #[must_use]
    pub fn hello(epoch: Epoch, head: u64, resumed: bool, auth_expires_at: TimeUs) -> Self {
        let json = json!({
            "type": "hello", "v": VERSION, "epoch": epoch.to_string(), "head": head, "resumed": resumed,
            "ping_s": PING_EVERY.as_secs(), "retry_ms": millis(RETRY), "auth_expires_at": Time(auth_expires_at),
        });
        Self { retry: Some(RETRY), ..Self::of("hello", &json) }
    }

    /// What the viewer holds is worth nothing: a snapshot follows.
    #[must_use]
    pub fn reset(reason: Reset) -> Self {
        Self::of("reset", &json!({ "type": "reset", "reason": reason.as_str() }))
    }

    /// A sign of life of the gateway, with some of the sessions. The cursor moves where nothing was to be told.
    #[must_use]
    pub fn ping(prev: &Cursor, cursor: Cursor, time: TimeUs, log_lag_ms: u64, seen: &[(SessionId, TimeUs)]) -> Self {
        let mut json = format!(
            "{{\"type\":\"ping\",\"prev\":\"{prev}\",\"cursor\":\"{cursor}\",\"time\":\"{}\",\"log_lag_ms\":{log_lag_ms}",
            Time(time)
        );
        if !seen.is_empty() {
            json.push_str(",\"seen\":[");
            for (index, (id, at)) in seen.iter().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                // Writing into a String cannot fail.
                let _ = write!(json, "{comma}[\"{id}\",{}]", at.as_micros() / 1_000);
            }
            json.push(']');
        }
        json.push('}');
        Self { cursor: Some(cursor), ..Self::new("ping", json) }
    }

    /// Single changes that a viewer who wants every one was too slow for. Their sum follows as a delta.
    #[must_use]
    pub fn gap(from: u64, to: u64) -> Self {
        let backfill = format!("/api/admin/events?after={from}&until={to}");
        let dropped = to.saturating_sub(from);
        Self::of("gap", &json!({ "type": "gap", "from": from, "to": to, "dropped": dropped, "backfill": backfill }))
    }

    /// The log is lost: what is shown grows old.
    #[must_use]
    pub fn stale(since: TimeUs) -> Self {
        Self::of("stale", &json!({ "type": "stale", "since": Time(since), "reason": "LOG_UNREACHABLE" }))
    }

    /// The log is there again, and the viewer has everything up to its cursor.
    #[must_use]
    pub fn fresh(cursor: &Cursor) -> Self {
        Self::of("fresh", &json!({ "type": "fresh", "cursor": cursor.to_string() }))
    }

    /// The token ends soon.
    #[must_use]
    pub fn auth(expires_in: Duration) -> Self {
        Self::of("auth", &json!({ "type": "auth", "expires_in_s": expires_in.as_secs() }))
    }

    /// The client said something that cannot be done; nothing was changed.
    #[must_use]
    pub fn error(code: &str, message: &str, fatal: bool) -> Self {
        Self::of("error", &json!({ "type": "error", "code": code, "message": message, "fatal": fatal }))
    }

    /// A worker's session will be closed for silence.
    #[must_use]
    pub fn grace(session: SessionId, expires_at: TimeUs) -> Self {
        let expires_at = Time(expires_at);
        Self::of("grace", &json!({ "type": "grace", "session_id": session.0, "expires_at": expires_at }))
    }

    /// The answer to a worker's command: the body that the route would have given.
    #[must_use]
    pub fn reply(id: &str, body: &Value) -> Self {
        Self::of("reply", &json!({ "type": "reply", "id": id, "ok": true, "body": body }))
    }

    /// A worker's command that was not done; `refused` is the body that the route would have given.
    #[must_use]
    pub fn refusal(id: &str, mut refused: Value) -> Self {
        (refused["type"], refused["id"], refused["ok"]) = ("reply".into(), id.into(), false.into());
        Self::of("reply", &refused)
    }

    /// The end, and what to do then.
    #[must_use]
    pub fn bye(bye: Bye) -> Self {
        let mut json = json!({ "type": "bye", "code": bye.code(), "reason": bye.reason() });
        if let Some(retry) = bye.retry() {
            json["retry_in_ms"] = json!(millis(retry));
        }
        Self { code: Some(bye.code()), retry: bye.retry(), ..Self::of("bye", &json) }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Why what a viewer holds cannot be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// It is no cursor.
    Unreadable,
    /// Of another log, or of one that was restored.
    OtherLog,
    /// Of another filter, or the account sees other stations now.
    OtherFilter,
    /// What was closed since is not known any more, or not yet.
    TooOld,
    /// Beyond the end of the log.
    Ahead,
}

impl Reset {
    /// As clients read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "CURSOR_UNREADABLE",
            Self::OtherLog => "OTHER_LOG",
            Self::OtherFilter => "OTHER_FILTER",
            Self::TooOld => "CURSOR_TOO_OLD",
            Self::Ahead => "CURSOR_AHEAD",
        }
    }
}

/// Why a connection ends. Below 4100: do not come back like this; below 4200: come back later; else at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bye {
    /// What the client says cannot be understood.
    BadRequest,
    /// The token has ended.
    TokenExpired,
    /// The login was revoked.
    Revoked,
    /// The client wants a version that is not spoken here.
    Version,
    /// The gateway ends.
    Draining(Duration),
    /// The gateway does not reach the log: another one may.
    LogUnreachable(Duration),
    /// The owner of the worker's session does not answer: another gateway may reach it.
    NoOwner(Duration),
    /// Too many connections.
    TooMany(Duration),
    /// The client does not read.
    Stalled(Duration),
    /// The client does not answer.
    NoPong(Duration),
    /// The log is another one.
    Resync,
}

impl Bye {
    /// The close code of a WebSocket.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::BadRequest => 4000,
            Self::TokenExpired => 4001,
            Self::Revoked => 4003,
            Self::Version => 4004,
            Self::Draining(_) | Self::LogUnreachable(_) | Self::NoOwner(_) => 4100,
            Self::TooMany(_) => 4101,
            Self::Stalled(_) => 4102,
            Self::NoPong(_) => 4103,
            Self::Resync => 4200,
        }
    }

    /// In words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::Revoked => "REVOKED",
            Self::Version => "VERSION",
            Self::Draining(_) => "DRAINING",
            Self::LogUnreachable(_) => "LOG_UNREACHABLE",
            Self::NoOwner(_) => "NO_OWNER",
            Self::TooMany(_) => "TOO_MANY",
            Self::Stalled(_) => "STALLED",
            Self::NoPong(_) => "NO_PONG",
            Self::Resync => "RESYNC",
        }
    }

    /// When to come back; none: never like this.
    #[must_use]
    pub const fn retry(self) -> Option<Duration> {
        match self {
            Self::BadRequest | Self::TokenExpired | Self::Revoked | Self::Version => None,
            Self::Draining(wait)
            | Self::LogUnreachable(wait)
            | Self::NoOwner(wait)
            | Self::TooMany(wait)
            | Self::Stalled(wait)
            | Self::NoPong(wait) => Some(wait),
            Self::Resync => Some(Duration::ZERO),
        }
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
