//! `andon backup` and `andon restore`: the streams, the database and the secrets of a factory in one directory, taken
//! while it works.
//!
//! **Order.** What is in the tables must be in the log, never the other way round: so the database's view is fixed
//! first, then the streams are taken, each a prefix of itself. The last-seen tables come before the log, because they
//! name claims in it; the directory comes after it, because events name its records.
//!
//! **A restored log is another log.** What was acknowledged after the backup is not in it, and its next sequences will
//! stand for other events. So its generation goes up, by which every cursor given out before is answered `reset`.

mod database;
mod files;
mod manifest;
mod place;
mod put;
mod take;

use bus_schemas::TimeUs;
use bus_schemas::subject::{STREAM_DIRECTORY, STREAM_LOG, STREAM_SEEN};
use chrono::{DateTime, SecondsFormat, Utc};

pub use manifest::Backup;
pub use place::into_data_dir;
pub use put::{Target, into_servers};
pub use take::take;

/// The streams, in the order in which they are taken.
const STREAMS: [&str; 3] = [STREAM_SEEN, STREAM_LOG, STREAM_DIRECTORY];

/// The file that is the snapshot of a stream.
fn stream_file(stream: &str) -> String {
    format!("streams/{stream}.snapshot")
}

/// A time as ISO 8601 writes it.
fn iso8601(at: TimeUs) -> String {
    let at: Option<DateTime<Utc>> = DateTime::from_timestamp_micros(at.as_micros());
    at.map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A number of bytes for a person.
fn told_bytes(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = UNITS.iter().find(|(_, size)| bytes >= *size);
    unit.map_or_else(|| format!("{bytes} B"), |(name, size)| format!("{} {name}", bytes.div_ceil(*size)))
}
