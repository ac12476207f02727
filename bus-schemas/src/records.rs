//! Directory records: who and what a factory has. Edited by admins, read by everyone.

use serde::{Deserialize, Serialize};

use crate::{
    Extra,
    ids::{DeviceId, ItemId, JobId, ReasonId, StationId, WorkerId},
    status::{MachineClass, StatusCode},
    time::TimeUs,
};

/// A person who works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Worker {
    /// Its id.
    pub id: WorkerId,
    /// The name shown.
    pub full_name: Box<str>,
    /// Language of the device after signing in.
    pub language: Language,
    /// Shown; gives no rights.
    pub role: WorkerRole,
    /// May sign in and open sessions.
    pub is_active: bool,
    /// Stations the worker may open sessions at, oldest first.
    #[serde(default)]
    pub assignments: Vec<Assignment>,
    /// When the record was made.
    pub created_at_us: TimeUs,
    /// When it was last changed.
    pub updated_at_us: TimeUs,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// A station a worker may work at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Assignment {
    /// Which station.
    pub station_id: StationId,
    /// Since when.
    pub created_at_us: TimeUs,
}

/// Language of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Hebrew.
    He,
    /// Russian.
    Ru,
    /// English.
    En,
    /// The device's.
    #[default]
    Auto,
}

/// What a worker is called; rights come from accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WorkerRole {
    /// A worker.
    #[default]
    Worker,
    /// Shown as an admin.
    Admin,
}

/// A machine or bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Station {
    /// Its id.
    pub id: StationId,
    /// The name shown.
    pub name: Box<str>,
    /// Short code, unique in the factory.
    pub code: Box<str>,
    /// What kind of machine.
    pub station_type: StationType,
    /// Sessions may be opened at it.
    pub is_active: bool,
    /// Asked before work; empty: no gate.
    #[serde(default)]
    pub start_checklist: Vec<ChecklistItem>,
    /// Asked after work; empty: no gate.
    #[serde(default)]
    pub end_checklist: Vec<ChecklistItem>,
    /// When the record was made.
    pub created_at_us: TimeUs,
    /// When it was last changed.
    pub updated_at_us: TimeUs,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// What kind of machine a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names of the trade say what they are")]
pub enum StationType {
    Prepress,
    DigitalPress,
    Offset,
    Folding,
    Cutting,
    Binding,
    Shrink,
    Lamination,
    Other,
}

impl StationType {
    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepress => "prepress",
            Self::DigitalPress => "digital_press",
            Self::Offset => "offset",
            Self::Folding => "folding",
            Self::Cutting => "cutting",
            Self::Binding => "binding",
            Self::Shrink => "shrink",
            Self::Lamination => "lamination",
            Self::Other => "other",
        }
    }
}

/// One question of a checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChecklistItem {
    /// 1 to 64 characters, unique in its list.
    pub id: ItemId,
    /// Place in the list, ascending.
    pub order_index: i32,
    /// In Hebrew.
    pub label_he: Box<str>,
    /// In Russian.
    pub label_ru: Box<str>,
    /// In English.
    pub label_en: Box<str>,
    /// Must be answered.
    pub is_required: bool,
}

/// Details of a production order; its number alone is enough to work on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Job {
    /// Derived from the number.
    pub id: JobId,
    /// In [normal form](crate::text::job_number).
    pub job_number: Box<str>,
    /// For whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<Box<str>>,
    /// What.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
    /// How many pieces are ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_quantity: Option<i64>,
    /// When the record was made.
    pub created_at_us: TimeUs,
    /// When it was last changed.
    pub updated_at_us: TimeUs,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// Why stopped, or why scrap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reason {
    /// Its id.
    pub id: ReasonId,
    /// Of what it is a reason.
    #[serde(rename = "type")]
    pub kind: ReasonType,
    /// In Hebrew.
    pub label_he: Box<str>,
    /// In Russian.
    pub label_ru: Box<str>,
    /// In English.
    pub label_en: Box<str>,
    /// May be given.
    pub is_active: bool,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// Of what a reason is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReasonType {
    /// Of a standstill.
    Stop,
    /// Of scrap.
    Scrap,
}

impl ReasonType {
    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Scrap => "scrap",
        }
    }
}

/// What a session can be doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Status {
    /// Its code.
    pub code: StatusCode,
    /// In Hebrew.
    pub label_he: Box<str>,
    /// In Russian.
    pub label_ru: Box<str>,
    /// In English.
    pub label_en: Box<str>,
    /// `#rrggbb`.
    pub color: Box<str>,
    /// What sums count it as.
    pub machine_class: MachineClass,
    /// At one station only; none: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station_id: Option<StationId>,
    /// Refuses to go without a reason.
    pub requires_reason: bool,
    /// May be chosen.
    pub is_active: bool,
    /// Can be relabelled, never removed.
    pub built_in: bool,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// A worker code: what somebody types to sign in. Kept apart from the worker, whom integrators may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Credential {
    /// Whose.
    pub worker_id: WorkerId,
    /// The code, unique in the factory.
    pub worker_code: Box<str>,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// A browser from which worker codes are accepted, where only enrolled ones are: it holds a signed cookie with this id,
/// which is worth nothing once the record is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// What people call it.
    pub name: Box<str>,
    /// When it was enrolled.
    pub enrolled_at_us: TimeUs,
    /// The account that enrolled it.
    pub enrolled_by: Box<str>,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// A token that must not be accepted any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Revoked {
    /// The token's id, or everything of one owner issued before `at_us`.
    pub what: RevokedWhat,
    /// When it was revoked.
    pub at_us: TimeUs,
    /// When the last token it concerns would have expired: it can be forgotten then.
    pub until_us: TimeUs,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// What a revocation concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RevokedWhat {
    /// One token.
    Token(Box<str>),
    /// All earlier tokens of an account.
    Account(Box<str>),
    /// All earlier tokens of a worker.
    Worker(WorkerId),
}
