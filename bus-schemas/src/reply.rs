//! Replies: what the owner says of one attempt of a command.

use serde::{Deserialize, Serialize};

use crate::{
    ids::ItemId,
    state::{Interval, Session},
    time::TimeUs,
};

/// The owner's answer to one attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// Accepted: stored once, or already so.
    Done(Box<Done>),
    /// Refused: nothing was stored by this attempt.
    Refused(Box<Refusal>),
    /// `expired` came a little early: ask again at this time (owner's clock, microseconds).
    Wait {
        /// When the deadline falls due.
        until_us: TimeUs,
    },
    /// This node does not own the worker; nothing of this attempt was published.
    NotOwner,
    /// The owner has no room, is not ready, or lags behind the directory; nothing was published.
    Busy {
        /// For the log of the gateway.
        why: Box<str>,
    },
    /// The attempt had expired before it was decided; nothing was published.
    Expired,
    /// Something was published and its outcome is not known.
    Unknown,
    /// The log is full; nothing was stored.
    LogFull,
    /// The command made its actor panic twice; nothing was stored.
    Poison {
        /// Names the record of it.
        trace_id: Box<str>,
    },
}

/// An accepted command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Done {
    /// What it changed.
    pub effect: Effect,
    /// The session it was about, after it; none only when a look finds no session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The interval a status command began or found running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Stream sequence of the worker's last message when this was answered.
    pub seq: u64,
    /// When the session would be closed for silence, by the owner's clock; for a look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_expires_at_us: Option<TimeUs>,
}

/// What an accepted command changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// An event was stored, by this attempt or an earlier one of the same command.
    Stored,
    /// Nothing to change: what was asked for is so. Final only beside attempts known to be without effect (rule 7).
    Nothing,
}

/// A refused command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refusal {
    /// Why; the contract.
    pub code: RefusalCode,
    /// For a person.
    pub message: Box<str>,
    /// The session it was about, when that helps: the closed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// Required checklist items without an answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<ItemId>,
    /// When the session would be closed for silence, with `SESSION_STILL_LIVE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_expires_at_us: Option<TimeUs>,
}

impl Refusal {
    /// A refusal with nothing but its reason.
    #[must_use]
    pub fn new(code: RefusalCode, message: impl Into<Box<str>>) -> Self {
        Self { code, message: message.into(), session: None, missing: Vec::new(), grace_expires_at_us: None }
    }
}

/// Why a command was refused by the rules about sessions. HTTP statuses are the gateway's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefusalCode {
    /// The session is closed.
    SessionClosed,
    /// The worker has no such session, or there is no such worker or station.
    NotFound,
    /// The station is not assigned to the worker.
    StationNotAssigned,
    /// The station is not active.
    StationInactive,
    /// The worker is not active.
    WorkerInactive,
    /// The start checklist comes first.
    StartChecklistRequired,
    /// The end checklist comes first.
    EndChecklistRequired,
    /// A required item has no answer.
    ChecklistIncomplete,
    /// The session is at another station.
    StationMismatch,
    /// There is no such active status here.
    UnknownStatus,
    /// There is no such active reason of the needed type.
    UnknownReason,
    /// The status needs a reason.
    ReasonRequired,
    /// A total would leave 0 to 1 000 000 000.
    InvalidQuantity,
    /// The session is not yet silent long enough.
    SessionStillLive,
    /// The command id was used for another command.
    IdempotencyKeyReused,
    /// The command is not well formed; a gateway should have refused it.
    InvalidPayload,
}

impl RefusalCode {
    /// Every code, for tables.
    pub const ALL: [Self; 16] = [
        Self::SessionClosed,
        Self::NotFound,
        Self::StationNotAssigned,
        Self::StationInactive,
        Self::WorkerInactive,
        Self::StartChecklistRequired,
        Self::EndChecklistRequired,
        Self::ChecklistIncomplete,
        Self::StationMismatch,
        Self::UnknownStatus,
        Self::UnknownReason,
        Self::ReasonRequired,
        Self::InvalidQuantity,
        Self::SessionStillLive,
        Self::IdempotencyKeyReused,
        Self::InvalidPayload,
    ];

    /// The code as clients read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionClosed => "SESSION_CLOSED",
            Self::NotFound => "NOT_FOUND",
            Self::StationNotAssigned => "STATION_NOT_ASSIGNED",
            Self::StationInactive => "STATION_INACTIVE",
            Self::WorkerInactive => "WORKER_INACTIVE",
            Self::StartChecklistRequired => "START_CHECKLIST_REQUIRED",
            Self::EndChecklistRequired => "END_CHECKLIST_REQUIRED",
            Self::ChecklistIncomplete => "CHECKLIST_INCOMPLETE",
            Self::StationMismatch => "STATION_MISMATCH",
            Self::UnknownStatus => "UNKNOWN_STATUS",
            Self::UnknownReason => "UNKNOWN_REASON",
            Self::ReasonRequired => "REASON_REQUIRED",
            Self::InvalidQuantity => "INVALID_QUANTITY",
            Self::SessionStillLive => "SESSION_STILL_LIVE",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::InvalidPayload => "INVALID_PAYLOAD",
        }
    }
}
