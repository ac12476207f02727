//! What the log says that the tables must hold, as hashes.

use std::collections::HashMap;

use bus_schemas::{EventKind, Interval, Session, SessionEvent, SessionId, TimeUs};
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

/// The compared columns of `sessions`; `rows.rs` reads them in this order. When somebody was last seen is not among
/// them: it comes from a table of its own and is allowed to be older.
pub(super) const COLUMNS: [&str; 25] = [
    "version",
    "seq",
    "worker_id",
    "station_id",
    "job_id",
    "status",
    "current_status",
    "started_at",
    "ended_at",
    "total_good",
    "total_scrap",
    "start_checklist_completed",
    "end_checklist_completed",
    "forced_closed_at",
    "last_status_change_at",
    "closed_cause",
    "last_working_status",
    "effective_end_at",
    "created_at",
    "worker_name",
    "station_code",
    "station_name",
    "job_number",
    "customer_name",
    "planned_quantity",
];

/// The fold of a log, for the comparison.
#[derive(Debug, Default)]
pub struct Fold {
    sessions: HashMap<SessionId, Folded>,
    events: u64,
    first_seq: u64,
    last_seq: u64,
}

/// One session.
#[derive(Debug)]
pub(super) struct Folded {
    pub seq: u64,
    pub version: u64,
    /// Its opening was read: the log knows all of it.
    pub whole: bool,
    pub columns: Vec<u64>,
    pub rows: HashMap<Uuid, Row>,
}

/// A row that belongs to a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub kind: Kind,
    pub hash: u64,
}

/// In which table it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Interval,
    Quantity,
}

impl Fold {
    /// The next event of the log.
    pub fn add(&mut self, event: &SessionEvent, seq: u64) {
        self.events += 1;
        self.last_seq = seq;
        if self.events == 1 {
            self.first_seq = seq;
        }
        let session = &event.state.session;
        let folded = self.sessions.entry(event.session_id).or_insert_with(|| Folded {
            seq,
            version: event.version,
            whole: matches!(event.kind, EventKind::Opened { .. }),
            columns: Vec::new(),
            rows: HashMap::new(),
        });
        (folded.seq, folded.version) = (seq, event.version);
        folded.columns = columns(session, event.version, seq);
        for interval in event.ended.iter().chain(&session.open) {
            folded.rows.insert(interval.id.0, Row { kind: Kind::Interval, hash: hash(&interval_row(interval)) });
        }
        if let Some(row) = quantity_row(event) {
            folded.rows.insert(event.event_id.0, Row { kind: Kind::Quantity, hash: hash(&row) });
        }
    }

    /// How many events were folded.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The sequence of the first of them.
    #[must_use]
    pub const fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// The sequence of the last of them.
    #[must_use]
    pub const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The sessions, oldest last event first.
    pub(super) fn sessions(&self) -> Vec<(SessionId, &Folded)> {
        let mut sessions: Vec<_> = self.sessions.iter().map(|(id, folded)| (*id, folded)).collect();
        sessions.sort_by_key(|(_, folded)| folded.seq);
        sessions
    }
}

/// The hash of a row's columns as text.
pub(super) fn hash(columns: &[Option<String>]) -> u64 {
    let mut hasher = Xxh3::new();
    for column in columns {
        match column {
            // Neither can be part of a text in Postgres or in UTF-8.
            None => hasher.update(&[0]),
            Some(text) => {
                hasher.update(text.as_bytes());
                hasher.update(&[0xff]);
            }
        }
    }
    hasher.digest()
}

/// Each column by itself, so that the one that differs can be named.
pub(super) fn hash_each(columns: &[Option<String>]) -> Vec<u64> {
    columns.iter().map(|column| hash(std::slice::from_ref(column))).collect()
}

fn columns(session: &Session, version: u64, seq: u64) -> Vec<u64> {
    let names = &session.names;
    hash_each(&[
        some(version),
        some(seq),
        some(session.worker_id),
        some(session.station_id),
        some(session.job_id),
        some(session.status.as_str()),
        session.current_status.as_ref().map(ToString::to_string),
        us(Some(session.started_at_us)),
        us(session.ended_at_us),
        some(session.total_good),
        some(session.total_scrap),
        some(session.start_checklist_completed),
        some(session.end_checklist_completed),
        us(session.forced_closed_at_us),
        us(session.last_status_change_at_us),
        session.closed_cause.map(|cause| cause.as_str().to_owned()),
        session.last_working_status.as_ref().map(ToString::to_string),
        us(session.effective_end_at_us),
        us(Some(session.opened_at_us)),
        some(&names.worker),
        some(&names.station_code),
        some(&names.station),
        some(&names.job_number),
        names.customer.as_ref().map(ToString::to_string),
        names.planned_quantity.map(|planned| planned.to_string()),
    ])
}

fn interval_row(interval: &Interval) -> [Option<String>; 7] {
    [
        some(&interval.status),
        interval.reason_id.map(|id| id.to_string()),
        interval.note.as_ref().map(ToString::to_string),
        interval.image_url.as_ref().map(ToString::to_string),
        us(Some(interval.started_at_us)),
        us(interval.ended_at_us),
        us(interval.reported_at_us),
    ]
}

fn quantity_row(event: &SessionEvent) -> Option<[Option<String>; 7]> {
    let EventKind::QuantitiesReported { good_delta, scrap_delta, reason_id, status_event_id, .. } = &event.kind else {
        return None;
    };
    let session = &event.state.session;
    Some([
        some(status_event_id),
        some(session.total_good),
        some(session.total_scrap),
        some(good_delta),
        some(scrap_delta),
        reason_id.map(|id| id.to_string()),
        us(Some(event.at_us)),
    ])
}

fn some(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

fn us(at: Option<TimeUs>) -> Option<String> {
    at.map(|at| at.as_micros().to_string())
}
