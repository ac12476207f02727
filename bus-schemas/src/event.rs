//! Session events: the log.

use serde::{Deserialize, Serialize};

use crate::{
    Extra,
    actor::Actor,
    command::{ChecklistKind, CommandId},
    ids::{EventId, ItemId, ReasonId, SessionId},
    state::{CloseCause, Interval, WorkerState},
    time::TimeUs,
};

/// One thing that happened to a session, with the state after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionEvent {
    /// Its id, derived from the command.
    pub event_id: EventId,
    /// Of which session.
    pub session_id: SessionId,
    /// Its number in the session: 1, 2, 3 … without holes.
    pub version: u64,
    /// The command that caused it.
    pub command_id: CommandId,
    /// What happened.
    pub kind: EventKind,
    /// When, by the owner's clock.
    pub at_us: TimeUs,
    /// Who.
    pub actor: Actor,
    /// The state after it.
    pub state: WorkerState,
    /// The intervals it ended, 0 to 2, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<Interval>,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// What happened, with its own fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The session began. Its names and its job stand in the state.
    Opened {
        /// The session it replaced, closed by the message before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<SessionId>,
    },
    /// A checklist was answered. Answers are checked and dropped.
    ChecklistCompleted {
        /// Which list.
        list: ChecklistKind,
        /// The items asked.
        items: Vec<ItemId>,
    },
    /// The open interval ended and the next began: it stands in the state.
    StatusChanged,
    /// Pieces were reported; the totals stand in the state.
    QuantitiesReported {
        /// Change of good pieces.
        good_delta: i64,
        /// Change of scrap pieces.
        scrap_delta: i64,
        /// Why scrap.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason_id: Option<ReasonId>,
        /// The interval they belong to.
        status_event_id: EventId,
        /// When the person pressed, by the client's clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reported_at_us: Option<TimeUs>,
    },
    /// The session ended.
    Closed {
        /// Why.
        cause: CloseCause,
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Box<str>>,
    },
    /// Nothing happened: the same state, moved forward in the log so that old messages can leave it.
    Carried,
}

impl EventKind {
    /// Its name, as in the `Andon-Event` header.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::ChecklistCompleted { .. } => "checklist-completed",
            Self::StatusChanged => "status-changed",
            Self::QuantitiesReported { .. } => "quantities-reported",
            Self::Closed { .. } => "closed",
            Self::Carried => "carried",
        }
    }
}
