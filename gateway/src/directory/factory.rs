//! The factory file: one readable TOML file with a whole factory in it.
//!
//! Records are named by their codes; ids may be left out, and are then derived from the codes, so the same file read
//! twice is the same factory. Every bad row is reported with its line.

mod lines;
mod read;
mod write;

use bus_schemas::{
    ids::{ANDON_NS, ReasonId, StationId, WorkerId},
    records::{Language, ReasonType, StationType, WorkerRole},
    status::{MachineClass, StatusCode},
};
pub use read::read;
use uuid::Uuid;
pub use write::write;

/// A row that cannot be taken, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct BadRow {
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

impl std::fmt::Display for BadRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// A row and its line.
#[derive(Clone, Debug)]
pub struct Row<T> {
    /// Line of the file, from 1; 0 for a factory that was not read from a file.
    pub line: usize,
    /// The row.
    pub row: T,
}

/// Two rows are the same wherever they stand.
impl<T: PartialEq> PartialEq for Row<T> {
    fn eq(&self, other: &Self) -> bool {
        self.row == other.row
    }
}

/// Everything a factory file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Factory {
    /// `[[station]]`
    pub stations: Vec<Row<StationRow>>,
    /// `[[worker]]`
    pub workers: Vec<Row<WorkerRow>>,
    /// `[[job]]`
    pub jobs: Vec<Row<JobRow>>,
    /// `[[reason]]`
    pub reasons: Vec<Row<ReasonRow>>,
    /// `[[status]]`
    pub statuses: Vec<Row<StatusRow>>,
}

/// What is shown, in three languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Hebrew.
    pub he: String,
    /// Russian.
    pub ru: String,
    /// English.
    pub en: String,
}

/// A station.
#[derive(Clone, Debug, PartialEq)]
pub struct StationRow {
    /// Its id; derived from the code when left out.
    pub id: StationId,
    /// Its code, unique.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What kind of machine.
    pub station_type: StationType,
    /// Sessions may be opened at it.
    pub active: bool,
    /// `[[station.start]]`: asked before work.
    pub start: Vec<ItemRow>,
    /// `[[station.end]]`: asked after work.
    pub end: Vec<ItemRow>,
}

/// One question of a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRow {
    /// Unique in its list.
    pub id: String,
    /// What is asked.
    pub labels: Labels,
    /// Must be answered.
    pub required: bool,
}

/// A worker.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerRow {
    /// Its id; derived from the code when left out.
    pub id: WorkerId,
    /// What it types to sign in; none: it cannot.
    pub code: Option<String>,
    /// Full name.
    pub name: String,
    /// Language of the device after signing in.
    pub language: Language,
    /// Shown; gives no rights.
    pub role: WorkerRole,
    /// May sign in.
    pub active: bool,
    /// Codes of the stations it may work at, in this order.
    pub stations: Vec<String>,
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    /// Its number, in normal form.
    pub number: String,
    /// For whom.
    pub customer: Option<String>,
    /// What.
    pub description: Option<String>,
    /// How many pieces are ordered.
    pub quantity: Option<i64>,
}

/// A reason.
#[derive(Clone, Debug, PartialEq)]
pub struct ReasonRow {
    /// Its id; derived from type and Hebrew label when left out.
    pub id: ReasonId,
    /// Of what it is a reason.
    pub kind: ReasonType,
    /// What is shown.
    pub labels: Labels,
    /// May be given.
    pub active: bool,
}

/// A status.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusRow {
    /// Its code.
    pub code: StatusCode,
    /// What is shown.
    pub labels: Labels,
    /// `#rrggbb`.
    pub color: String,
    /// What sums count it as.
    pub class: MachineClass,
    /// Code of the only station it is for.
    pub station: Option<String>,
    /// Refuses to go without a reason.
    pub requires_reason: bool,
    /// May be chosen.
    pub active: bool,
}

/// The id of a worker whose row names none.
#[must_use]
pub fn worker_id(code: &str) -> WorkerId {
    WorkerId(derived("worker", code))
}

/// The id of a station whose row names none.
#[must_use]
pub fn station_id(code: &str) -> StationId {
    StationId(derived("station", code))
}

/// The id of a reason whose row names none.
#[must_use]
pub fn reason_id(kind: ReasonType, label_he: &str) -> ReasonId {
    ReasonId(derived("reason", &format!("{}|{label_he}", kind.as_str())))
}

/// Names of commands begin with a worker's id; these with `factory`: the two never meet.
fn derived(kind: &str, code: &str) -> Uuid {
    Uuid::new_v5(&ANDON_NS, format!("factory|{kind}|{code}").as_bytes())
}

#[cfg(test)]
#[path = "factory_tests.rs"]
mod tests;
