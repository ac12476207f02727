//! Commands: what a gateway asks the owner of a worker's session to do.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    actor::Actor,
    codec,
    ids::{ItemId, ReasonId, SessionId, StationId, WorkerId},
    limits::COMMAND_ID_MAX_CHARS,
    status::StatusCode,
    time::TimeUs,
};

/// Names a command, so that it is safe to repeat: 1 to 64 visible ASCII characters, unique per worker.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct CommandId(Box<str>);

/// The text is no command id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a command id (Idempotency-Key, commandId) is 1 to 64 visible ASCII characters without spaces")]
pub struct NotACommandId;

impl CommandId {
    /// The id of the close that the session at this version makes itself. It is never looked up in a ring, so no
    /// client's id can stand in for it.
    #[must_use]
    pub fn idle(session: SessionId, version: u64) -> Self {
        Self(format!("{session}|{version}|idle").into())
    }

    /// The id of the event that carries an old state forward, see retention.
    #[must_use]
    pub fn carried(session: SessionId, version: u64) -> Self {
        Self(format!("{session}|{version}|carried").into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for CommandId {
    type Error = NotACommandId;

    fn try_from(text: Box<str>) -> Result<Self, NotACommandId> {
        let fits = (1..=COMMAND_ID_MAX_CHARS).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(Self(text)) } else { Err(NotACommandId) }
    }
}

impl FromStr for CommandId {
    type Err = NotACommandId;

    fn from_str(text: &str) -> Result<Self, NotACommandId> {
        Box::<str>::from(text).try_into()
    }
}

impl From<CommandId> for Box<str> {
    fn from(id: CommandId) -> Self {
        id.0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One attempt of a command, to the one node that owns the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Command {
    /// Names the command; the same in every attempt.
    #[serde(rename = "command_id")]
    pub id: CommandId,
    /// Whose chain it is for.
    pub worker_id: WorkerId,
    /// Who sends it.
    pub actor: Actor,
    /// After this moment of log time the owner must not decide this attempt any more (protocol rule 7).
    pub expires_at_us: TimeUs,
    /// The directory sequence the gateway had seen; an owner that lags waits for it.
    pub directory_seq: u64,
    /// The gateway it comes through; its beat is that gateway's (protocol rule 11).
    pub gateway_id: uuid::Uuid,
    /// When the person pressed, by the client's clock; kept, never used for intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at_us: Option<TimeUs>,
    /// What to do.
    pub body: CommandBody,
}

impl Command {
    /// Hash of what is asked, without expiry, trace and what the gateway knew: the same id with another hash is a
    /// misuse of the id.
    #[must_use]
    pub fn body_hash(&self) -> u64 {
        // Encoding our own types cannot fail; should it ever, all failures hash alike and are told apart by the id.
        xxh3_64(&codec::encode(&(self.reported_at_us, &self.body)).unwrap_or_default())
    }
}

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CommandBody {
    /// Open a session, replacing the active one.
    Open {
        /// Where.
        station_id: StationId,
        /// On which job, in [normal form](crate::text::job_number).
        job_number: Box<str>,
    },
    /// Answer the start or end checklist.
    Checklist {
        /// Of which session.
        session_id: SessionId,
        /// At which station, as the client believes.
        station_id: StationId,
        /// Which list.
        list: ChecklistKind,
        /// The answers; unknown items are ignored.
        answers: Vec<Answer>,
    },
    /// Change the status.
    Status {
        /// Of which session.
        session_id: SessionId,
        /// To which status.
        status: StatusCode,
        /// Why stopped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason_id: Option<ReasonId>,
        /// A note, not blank.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Box<str>>,
        /// Address of an image.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image_url: Option<Box<str>>,
    },
    /// Report pieces.
    Quantities {
        /// Of which session.
        session_id: SessionId,
        /// What is reported.
        report: QuantityReport,
    },
    /// Finish.
    Complete {
        /// Which session.
        session_id: SessionId,
    },
    /// Give up a session.
    Abandon {
        /// Which session.
        session_id: SessionId,
        /// Why.
        reason: AbandonReason,
    },
    /// A supervisor closes the session.
    AdminClose {
        /// Which session.
        session_id: SessionId,
    },
    /// Ask for the worker's session and its deadline: no event, no sign of life.
    Look,
}

impl CommandBody {
    /// Its name in metrics and traces.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Checklist { .. } => "checklist",
            Self::Status { .. } => "status",
            Self::Quantities { .. } => "quantities",
            Self::Complete { .. } => "complete",
            Self::Abandon { .. } => "abandon",
            Self::AdminClose { .. } => "admin-close",
            Self::Look => "look",
        }
    }

    /// The session it names, if any.
    #[must_use]
    pub const fn session_id(&self) -> Option<SessionId> {
        match *self {
            Self::Open { .. } | Self::Look => None,
            Self::Checklist { session_id, .. }
            | Self::Status { session_id, .. }
            | Self::Quantities { session_id, .. }
            | Self::Complete { session_id }
            | Self::Abandon { session_id, .. }
            | Self::AdminClose { session_id } => Some(session_id),
        }
    }
}

/// Which of a station's two checklists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChecklistKind {
    /// Before work: passing it starts the session.
    Start,
    /// After work: completing needs it.
    End,
}

impl ChecklistKind {
    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }
}

/// The answer to one checklist item: ticked, or text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// Which item.
    pub item_id: ItemId,
    /// Ticked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_bool: Option<bool>,
    /// Text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_text: Option<Box<str>>,
}

impl Answer {
    /// Whether it answers a required item: `true`, or text that is not blank.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.value_bool == Some(true) || self.value_text.as_deref().is_some_and(|text| !text.trim().is_empty())
    }
}

/// Pieces, as new totals or as a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum QuantityReport {
    /// New totals; one left out stays as it is.
    Totals {
        /// Good pieces.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        good: Option<i64>,
        /// Scrap pieces.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scrap: Option<i64>,
        /// Why scrap.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason_id: Option<ReasonId>,
    },
    /// Differences; never below a total of 0.
    Deltas {
        /// Good pieces.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        good: Option<i64>,
        /// Scrap pieces.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scrap: Option<i64>,
        /// Why scrap.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason_id: Option<ReasonId>,
    },
}

/// Why a worker gives up a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AbandonReason {
    /// The worker declines to go on.
    WorkerChoice,
    /// The client saw the grace window pass; no sign of life.
    Expired,
}
