//! The state a worker's chain carries: the current (or latest) session whole, the one before, and the ring of ids.
//!
//! Every event carries the state after it, so recovery, the live view, the projection and an integrator's bootstrap are
//! one and the same read. Fields a newer version wrote are kept in `extra` and written back.

use serde::{Deserialize, Serialize};

use crate::{
    Extra,
    ids::{EventId, ItemId, JobId, ReasonId, SessionId, StationId, WorkerId},
    ring::Ring,
    status::StatusCode,
    time::TimeUs,
};

/// What a worker's chain says after an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkerState {
    /// The worker's active session, or the latest one.
    pub session: Session,
    /// The session before it: always closed. It has no `previous` of its own; older ones come from history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<Session>>,
    /// Accepted commands, from one session to the next (protocol rule 5).
    pub ring: Ring,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// A session: one worker at one station on one job, from opening to closing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Number of its last event: 1, 2, 3 … without holes.
    pub version: u64,
    /// Whose it is.
    pub worker_id: WorkerId,
    /// Where.
    pub station_id: StationId,
    /// On which job.
    pub job_id: JobId,
    /// Names as they were when it opened: renaming never rewrites history.
    pub names: Names,
    /// Active, or how it ended.
    pub status: SessionStatus,
    /// The start gate is passed.
    pub start_checklist_completed: bool,
    /// The end gate is passed.
    pub end_checklist_completed: bool,
    /// Required items of the start list as it was at opening; empty once the gate is passed.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub required_start: Box<[ItemId]>,
    /// Required items of the end list as it was at opening; empty once the gate is passed.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub required_end: Box<[ItemId]>,
    /// When it was opened.
    pub opened_at_us: TimeUs,
    /// When work started: the passing of the start gate, and until then the opening.
    pub started_at_us: TimeUs,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_us: Option<TimeUs>,
    /// Up to when somebody was there: an idle close's last sign of life, otherwise `ended_at_us`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_end_at_us: Option<TimeUs>,
    /// When it was closed by another cause than completing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced_closed_at_us: Option<TimeUs>,
    /// Why it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_cause: Option<CloseCause>,
    /// Status now; none before the start gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_status: Option<StatusCode>,
    /// When it became that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status_change_at_us: Option<TimeUs>,
    /// Status when it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_working_status: Option<StatusCode>,
    /// Good pieces, 0 to 1 000 000 000.
    pub total_good: i64,
    /// Scrap pieces, 0 to 1 000 000 000.
    pub total_scrap: i64,
    /// The running interval: exactly one in a started active session, none in any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Interval>,
    /// Time of the last event that was a sign of life of the worker.
    pub last_proof_at_us: TimeUs,
    /// Time of the last event.
    pub updated_at_us: TimeUs,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

impl Session {
    /// Whether it is active: not closed.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        matches!(self.status, SessionStatus::Active)
    }

    /// Whether it has passed its start gate.
    #[must_use]
    pub const fn is_started(&self) -> bool {
        self.start_checklist_completed
    }
}

/// Names a session keeps from its opening.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Names {
    /// The worker's full name.
    pub worker: Box<str>,
    /// The station's code.
    pub station_code: Box<str>,
    /// The station's name.
    pub station: Box<str>,
    /// The station's type.
    pub station_type: Box<str>,
    /// The job number.
    pub job_number: Box<str>,
    /// The job's customer, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Box<str>>,
    /// The job's planned quantity, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_quantity: Option<i64>,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// Active, or how a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Not closed.
    Active,
    /// Closed, its work counts as done.
    Completed,
    /// Closed before its end.
    Aborted,
}

impl SessionStatus {
    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Aborted => "aborted",
        }
    }
}

/// Why a session was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CloseCause {
    /// The worker finished.
    Completed,
    /// Nobody showed signs of life.
    Idle,
    /// The worker gave it up, or let the grace window pass.
    Abandoned,
    /// The worker opened another.
    Replaced,
    /// A supervisor closed it.
    Admin,
}

impl CloseCause {
    /// Every cause, for tables.
    pub const ALL: [Self; 5] = [Self::Completed, Self::Idle, Self::Abandoned, Self::Replaced, Self::Admin];

    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Idle => "idle",
            Self::Abandoned => "abandoned",
            Self::Replaced => "replaced",
            Self::Admin => "admin",
        }
    }

    /// What the session's status is after it.
    #[must_use]
    pub const fn status_after(self) -> SessionStatus {
        match self {
            Self::Completed | Self::Idle | Self::Admin => SessionStatus::Completed,
            Self::Abandoned | Self::Replaced => SessionStatus::Aborted,
        }
    }
}

/// One interval of one status: `[started_at_us, ended_at_us)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Interval {
    /// The id of the event that began it.
    pub id: EventId,
    /// The status.
    pub status: StatusCode,
    /// Why stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_id: Option<ReasonId>,
    /// A note of the worker, or why the session was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Box<str>>,
    /// Address of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<Box<str>>,
    /// Start, included.
    pub started_at_us: TimeUs,
    /// End, excluded; none while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_us: Option<TimeUs>,
    /// When the person pressed, by the client's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at_us: Option<TimeUs>,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}
