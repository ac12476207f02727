//! Directory events, and the pure fold that every reader holds in memory.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Extra,
    actor::Actor,
    audit::AuditEntry,
    builtin,
    ids::{DeviceId, JobId, ReasonId, StationId, WorkerId},
    records::{Credential, Device, Job, Reason, Revoked, RevokedWhat, Station, Status, Worker},
    status::StatusCode,
    subject,
    time::TimeUs,
};

/// A change of the directory. Its stream is the audit trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DirectoryEvent {
    /// When.
    pub at_us: TimeUs,
    /// Who.
    pub actor: Actor,
    /// What.
    pub change: Change,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The record is now this.
    Put(Record),
    /// The record is gone.
    Remove(Key),
    /// All these records are now so: one message, all or nothing, folded in sequence with single edits. Worker codes
    /// and revocations stand in messages of their own, which integrators cannot read.
    Import {
        /// Names the import; the last token of its subject.
        id: uuid::Uuid,
        /// The records.
        records: Vec<Record>,
    },
    /// An account did something that changes no record: kept for the audit alone.
    Audit(AuditEntry),
}

impl Change {
    /// The subject it is published on.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Put(record) => record.key().subject(),
            Self::Remove(key) => key.subject(),
            // No author can put a code where an integrator reads it.
            Self::Import { id, records } => {
                let kind = if records.iter().any(Record::is_secret) { "credential" } else { "import" };
                subject::directory(kind, &id.to_string())
            }
            Self::Audit(entry) => subject::directory("audit", &entry.id.to_string()),
        }
    }

    /// The messages that this change is published as, in one batch: what everybody may read, then what integrators may
    /// not. An import of one record is that record's own message.
    #[must_use]
    pub fn messages(self) -> Vec<Self> {
        let Self::Import { id, records } = self else { return vec![self] };
        let (secret, open): (Vec<_>, Vec<_>) = records.into_iter().partition(Record::is_secret);
        let message = |mut records: Vec<Record>| match records.len() {
            0 => None,
            1 => records.pop().map(Self::Put),
            _ => Some(Self::Import { id, records }),
        };
        [message(open), message(secret)].into_iter().flatten().collect()
    }
}

/// A record of any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A worker.
    Worker(Worker),
    /// A station.
    Station(Station),
    /// A job's details.
    Job(Job),
    /// A reason.
    Reason(Reason),
    /// A status.
    Status(Status),
    /// A worker's code.
    Credential(Credential),
    /// A revocation.
    Revoked(Revoked),
    /// An enrolled device.
    Device(Device),
}

impl Record {
    /// Whether only the roles may read it: a worker's code, a revoked token, a device.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::Credential(_) | Self::Revoked(_) | Self::Device(_))
    }

    /// What names it.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Worker(record) => Key::Worker(record.id),
            Self::Station(record) => Key::Station(record.id),
            Self::Job(record) => Key::Job(record.id),
            Self::Reason(record) => Key::Reason(record.id),
            Self::Status(record) => Key::Status(record.code.clone()),
            Self::Credential(record) => Key::Credential(record.worker_id),
            Self::Revoked(record) => Key::Revoked(record.what.clone()),
            Self::Device(record) => Key::Device(record.id),
        }
    }
}

/// What names a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// A worker.
    Worker(WorkerId),
    /// A station.
    Station(StationId),
    /// A job.
    Job(JobId),
    /// A reason.
    Reason(ReasonId),
    /// A status.
    Status(StatusCode),
    /// The code of this worker.
    Credential(WorkerId),
    /// A revocation.
    Revoked(RevokedWhat),
    /// An enrolled device.
    Device(DeviceId),
}

impl Key {
    /// The subject of the record. No subject carries a worker code.
    #[must_use]
    pub fn subject(&self) -> String {
        let (kind, id) = match self {
            Self::Worker(id) => ("worker", id.to_string()),
            Self::Station(id) => ("station", id.to_string()),
            Self::Job(id) => ("job", id.to_string()),
            Self::Reason(id) => ("reason", id.to_string()),
            Self::Status(code) => ("status", code.to_string()),
            Self::Credential(id) => ("credential", id.to_string()),
            // Account names may hold any character; a hash is one subject token.
            // With the codes: integrators read neither.
            Self::Device(id) => ("credential", format!("device-{id}")),
            Self::Revoked(what) => ("revoked", format!("{:016x}", revoked_hash(what))),
        };
        subject::directory(kind, &id)
    }
}

fn revoked_hash(what: &RevokedWhat) -> u64 {
    let text = match what {
        RevokedWhat::Token(id) => format!("token {id}"),
        RevokedWhat::Account(name) => format!("account {name}"),
        RevokedWhat::Worker(id) => format!("worker {id}"),
    };
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

/// A record and the stream sequence that wrote it: what an edit must name to be accepted.
#[derive(Clone, Debug)]
pub struct Stored<T> {
    /// Stream sequence of the last change of this record.
    pub seq: u64,
    /// The record.
    pub record: Arc<T>,
}

/// The directory as the stream says: the fold of [`DirectoryEvent`]s. It starts with the built-in statuses.
#[derive(Clone, Debug)]
pub struct Directory {
    seq: u64,
    workers: HashMap<WorkerId, Stored<Worker>>,
    stations: HashMap<StationId, Stored<Station>>,
    jobs: HashMap<JobId, Stored<Job>>,
    reasons: HashMap<ReasonId, Stored<Reason>>,
    statuses: HashMap<StatusCode, Stored<Status>>,
    credentials: HashMap<WorkerId, Stored<Credential>>,
    workers_by_code: HashMap<Box<str>, WorkerId>,
    revoked: Vec<Revoked>,
    devices: HashMap<DeviceId, Stored<Device>>,
}

impl Default for Directory {
    fn default() -> Self {
        let statuses = builtin::statuses();
        Self {
            seq: 0,
            workers: HashMap::new(),
            stations: HashMap::new(),
            jobs: HashMap::new(),
            reasons: HashMap::new(),
            statuses: statuses
                .into_iter()
                .map(|status| (status.code.clone(), Stored { seq: 0, record: Arc::new(status) }))
                .collect(),
            credentials: HashMap::new(),
            workers_by_code: HashMap::new(),
            revoked: Vec::new(),
            devices: HashMap::new(),
        }
    }
}

impl Directory {
    /// Folds the message with this stream sequence; one already folded changes nothing.
    pub fn apply(&mut self, seq: u64, event: DirectoryEvent) {
        if seq <= self.seq {
            return;
        }
        self.seq = seq;
        match event.change {
            Change::Put(record) => self.put(seq, record),
            Change::Remove(key) => self.remove(&key),
            Change::Import { records, .. } => records.into_iter().for_each(|record| self.put(seq, record)),
            Change::Audit(_) => {}
        }
    }

    /// Remembers that the stream has reached this sequence, also when the message could not be read.
    pub fn advance(&mut self, seq: u64) {
        self.seq = self.seq.max(seq);
    }

    fn put(&mut self, seq: u64, record: Record) {
        fn stored<T>(seq: u64, record: T) -> Stored<T> {
            Stored { seq, record: Arc::new(record) }
        }
        match record {
            Record::Worker(record) => drop(self.workers.insert(record.id, stored(seq, record))),
            Record::Station(record) => drop(self.stations.insert(record.id, stored(seq, record))),
            Record::Job(record) => drop(self.jobs.insert(record.id, stored(seq, record))),
            Record::Reason(record) => drop(self.reasons.insert(record.id, stored(seq, record))),
            Record::Status(record) => drop(self.statuses.insert(record.code.clone(), stored(seq, record))),
            Record::Credential(record) => {
                self.forget_code(record.worker_id);
                self.workers_by_code.insert(record.worker_code.clone(), record.worker_id);
                self.credentials.insert(record.worker_id, stored(seq, record));
            }
            Record::Revoked(record) => {
                self.revoked.retain(|known| known.until_us > record.at_us && known.what != record.what);
                self.revoked.push(record);
            }
            Record::Device(record) => drop(self.devices.insert(record.id, stored(seq, record))),
        }
    }

    fn remove(&mut self, key: &Key) {
        match key {
            Key::Worker(id) => drop(self.workers.remove(id)),
            Key::Station(id) => drop(self.stations.remove(id)),
            Key::Job(id) => drop(self.jobs.remove(id)),
            Key::Reason(id) => drop(self.reasons.remove(id)),
            Key::Status(code) => {
                self.statuses.remove(code);
                if let Some(status) = builtin::statuses().into_iter().find(|status| status.code == *code) {
                    self.statuses.insert(status.code.clone(), Stored { seq: 0, record: Arc::new(status) });
                }
            }
            Key::Credential(id) => self.forget_code(*id),
            Key::Revoked(what) => self.revoked.retain(|known| known.what != *what),
            Key::Device(id) => drop(self.devices.remove(id)),
        }
    }

    fn forget_code(&mut self, worker: WorkerId) {
        if let Some(old) = self.credentials.remove(&worker)
            && self.workers_by_code.get(&old.record.worker_code) == Some(&worker)
        {
            self.workers_by_code.remove(&old.record.worker_code);
        }
    }

    /// The last stream sequence folded.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// A worker.
    #[must_use]
    pub fn worker(&self, id: WorkerId) -> Option<&Stored<Worker>> {
        self.workers.get(&id)
    }

    /// A station.
    #[must_use]
    pub fn station(&self, id: StationId) -> Option<&Stored<Station>> {
        self.stations.get(&id)
    }

    /// A job's details.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&Stored<Job>> {
        self.jobs.get(&id)
    }

    /// A reason.
    #[must_use]
    pub fn reason(&self, id: ReasonId) -> Option<&Stored<Reason>> {
        self.reasons.get(&id)
    }

    /// A status.
    #[must_use]
    pub fn status(&self, code: &StatusCode) -> Option<&Stored<Status>> {
        self.statuses.get(code)
    }

    /// A worker's code.
    #[must_use]
    pub fn credential(&self, worker: WorkerId) -> Option<&Stored<Credential>> {
        self.credentials.get(&worker)
    }

    /// The worker who signs in with this code.
    #[must_use]
    pub fn worker_by_code(&self, code: &str) -> Option<&Stored<Worker>> {
        self.workers_by_code.get(code).and_then(|id| self.workers.get(id))
    }

    /// Every worker.
    pub fn workers(&self) -> impl Iterator<Item = &Stored<Worker>> {
        self.workers.values()
    }

    /// Every station.
    pub fn stations(&self) -> impl Iterator<Item = &Stored<Station>> {
        self.stations.values()
    }

    /// Every job with details.
    pub fn jobs(&self) -> impl Iterator<Item = &Stored<Job>> {
        self.jobs.values()
    }

    /// Every reason.
    pub fn reasons(&self) -> impl Iterator<Item = &Stored<Reason>> {
        self.reasons.values()
    }

    /// Every status.
    pub fn statuses(&self) -> impl Iterator<Item = &Stored<Status>> {
        self.statuses.values()
    }

    /// Every worker code.
    pub fn credentials(&self) -> impl Iterator<Item = &Stored<Credential>> {
        self.credentials.values()
    }

    /// An enrolled device.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&Stored<Device>> {
        self.devices.get(&id)
    }

    /// Every enrolled device.
    pub fn devices(&self) -> impl Iterator<Item = &Stored<Device>> {
        self.devices.values()
    }

    /// Every revocation that is still of use.
    #[must_use]
    pub fn revoked(&self) -> &[Revoked] {
        &self.revoked
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
