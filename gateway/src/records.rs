//! Records as the HTTP contract shows them: snake_case fields, times as RFC 3339 with milliseconds.

mod directory;
mod session;
mod time;

pub use directory::{
    ChecklistItemRecord, JobBrief, JobRecord, ReasonRecord, StationBrief, StationRecord, StatusRecord, WorkerBrief,
    WorkerRecord,
};
pub use session::{EventRecord, QuantityChangeRecord, SessionRecord, SessionRow, StatusEventRecord};
pub use time::Time;
