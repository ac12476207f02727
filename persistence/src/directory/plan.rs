//! What a batch of edits does to the tables, decided without touching one.

use std::collections::HashMap;

use andon_nats::StoredMessage;
use bus_schemas::{
    Actor, JobId, ReasonId, StationId, StatusCode, TimeUs, WorkerId, builtin,
    directory::{Change, DirectoryEvent, Key, Record},
    records::{Credential, Job, Reason, Station, Status, Worker},
};

use crate::{
    convert::{DoesNotFit, number, time},
    quarantine::Quarantined,
};

/// Header of a message that the server itself put where an expired one was: it says nothing about the directory.
const MARKER: &str = "Nats-Marker-Reason";

/// What became of a record by the end of a batch.
pub struct Edited<T> {
    /// Stream sequence of its last change.
    pub seq: u64,
    /// The record, when the batch put one.
    pub record: Option<T>,
    /// Since when it is gone, when the last change was a removal.
    pub removed_at: Option<TimeUs>,
}

/// One line of the audit trail.
pub struct Edit {
    /// Stream sequence of the message.
    pub seq: u64,
    /// Which of the message's records, from 0.
    pub ordinal: i32,
    /// When.
    pub at: TimeUs,
    /// Who.
    pub actor: Actor,
    /// `put`, `remove` or `import`; or the name of an [`AuditAction`](bus_schemas::audit::AuditAction).
    pub action: &'static str,
    /// Which kind of record.
    pub kind: String,
    /// Which record; never a worker code.
    pub record_id: String,
    /// What else an entry of the audit says.
    pub detail: Option<String>,
}

/// What a batch of edits comes to: each record once, as it is at the end.
#[derive(Default)]
pub struct Plan {
    pub workers: HashMap<WorkerId, Edited<Worker>>,
    pub credentials: HashMap<WorkerId, Edited<Credential>>,
    pub stations: HashMap<StationId, Edited<Station>>,
    pub jobs: HashMap<JobId, Edited<Job>>,
    pub reasons: HashMap<ReasonId, Edited<Reason>>,
    pub statuses: HashMap<StatusCode, Edited<Status>>,
    pub edits: Vec<Edit>,
}

impl Plan {
    /// Folds a batch in the order of the stream; what cannot be read is left out whole.
    pub fn of(batch: &[StoredMessage]) -> (Self, Vec<Quarantined<'_>>) {
        let mut plan = Self::default();
        let mut quarantined = Vec::new();
        for message in batch.iter().filter(|message| message.headers.get(MARKER).is_none()) {
            match read(message) {
                Ok(event) => plan.fold(message.seq, event),
                Err(error) => quarantined.push(Quarantined { message, error }),
            }
        }
        (plan, quarantined)
    }

    fn fold(&mut self, seq: u64, event: DirectoryEvent) {
        let DirectoryEvent { at_us: at, actor, change, .. } = event;
        match change {
            Change::Put(record) => {
                self.note(seq, 0, at, &actor, "put", &record.key());
                self.put(seq, record);
            }
            Change::Remove(key) => {
                self.note(seq, 0, at, &actor, "remove", &key);
                self.remove(seq, at, key);
            }
            Change::Import { records, .. } => {
                for (record, ordinal) in records.into_iter().zip(0..) {
                    self.note(seq, ordinal, at, &actor, "import", &record.key());
                    self.put(seq, record);
                }
            }
            Change::Audit(entry) => self.edits.push(Edit {
                seq,
                ordinal: 0,
                at,
                actor,
                action: entry.action.as_str(),
                kind: entry.action.kind().to_owned(),
                record_id: entry.target.into(),
                detail: entry.detail.map(Into::into),
            }),
        }
    }

    fn note(&mut self, seq: u64, ordinal: i32, at: TimeUs, actor: &Actor, action: &'static str, key: &Key) {
        // `….<kind>.<id>`: the last two tokens of the record's own subject.
        let subject = key.subject();
        let mut tokens = subject.rsplit('.').map(str::to_owned);
        let (record_id, kind) = (tokens.next().unwrap_or_default(), tokens.next().unwrap_or_default());
        self.edits.push(Edit { seq, ordinal, at, actor: actor.clone(), action, kind, record_id, detail: None });
    }

    fn put(&mut self, seq: u64, record: Record) {
        match record {
            Record::Worker(record) => put(&mut self.workers, record.id, seq, record),
            Record::Station(record) => put(&mut self.stations, record.id, seq, record),
            Record::Job(record) => put(&mut self.jobs, record.id, seq, record),
            Record::Reason(record) => put(&mut self.reasons, record.id, seq, record),
            Record::Status(record) => put(&mut self.statuses, record.code.clone(), seq, record),
            Record::Credential(record) => put(&mut self.credentials, record.worker_id, seq, record),
            // Revocations and devices are for gateways; nothing reads them here.
            Record::Revoked(_) | Record::Device(_) => {}
        }
    }

    fn remove(&mut self, seq: u64, at: TimeUs, key: Key) {
        match key {
            Key::Worker(id) => remove(&mut self.workers, id, seq, at),
            Key::Station(id) => remove(&mut self.stations, id, seq, at),
            Key::Job(id) => remove(&mut self.jobs, id, seq, at),
            Key::Reason(id) => remove(&mut self.reasons, id, seq, at),
            Key::Credential(id) => remove(&mut self.credentials, id, seq, at),
            // A built-in status is never gone: it is again what it was before anybody relabelled it.
            Key::Status(code) => match builtin::statuses().into_iter().find(|status| status.code == code) {
                Some(status) => put(&mut self.statuses, code, seq, status),
                None => remove(&mut self.statuses, code, seq, at),
            },
            Key::Revoked(_) | Key::Device(_) => {}
        }
    }
}

fn put<K: std::hash::Hash + Eq, T>(edited: &mut HashMap<K, Edited<T>>, key: K, seq: u64, record: T) {
    edited.insert(key, Edited { seq, record: Some(record), removed_at: None });
}

/// What the batch put before stays: the row must be the same however the stream is cut into batches.
fn remove<K: std::hash::Hash + Eq, T>(edited: &mut HashMap<K, Edited<T>>, key: K, seq: u64, at: TimeUs) {
    let record = edited.remove(&key).and_then(|before| before.record);
    edited.insert(key, Edited { seq, record, removed_at: Some(at) });
}

/// Reads an edit, and makes sure that every column can hold it: all of a message or nothing.
fn read(message: &StoredMessage) -> Result<DirectoryEvent, String> {
    let event: DirectoryEvent = message.decode().map_err(|error| error.to_string())?;
    number("seq", message.seq).map_err(|error| error.to_string())?;
    time("at_us", event.at_us).map_err(|error| error.to_string())?;
    let records = match &event.change {
        Change::Put(record) => std::slice::from_ref(record),
        Change::Import { records, .. } => records,
        Change::Remove(_) | Change::Audit(_) => &[],
    };
    records.iter().try_for_each(fits).map_err(|error| error.to_string())?;
    Ok(event)
}

fn fits(record: &Record) -> Result<(), DoesNotFit> {
    let both = |created: TimeUs, updated: TimeUs| {
        time("created_at_us", created)?;
        time("updated_at_us", updated).map(drop)
    };
    match record {
        Record::Worker(worker) => {
            both(worker.created_at_us, worker.updated_at_us)?;
            worker.assignments.iter().try_for_each(|it| time("created_at_us", it.created_at_us).map(drop))
        }
        Record::Station(station) => both(station.created_at_us, station.updated_at_us),
        Record::Job(job) => both(job.created_at_us, job.updated_at_us),
        Record::Reason(_) | Record::Status(_) | Record::Credential(_) | Record::Revoked(_) | Record::Device(_) => {
            Ok(())
        }
    }
}
