//! A factory for a bench: one station without checklists, and as many workers as needed, written straight to the
//! directory of the bench's own stack.

use std::time::Duration;

use andon_nats::{Bus, Expect, HeaderMap, Publish};
use anyhow::Context as _;
use bus_schemas::{
    Actor, Extra, StationId, TimeUs, WorkerId, codec,
    directory::{Change, Directory, DirectoryEvent, Record},
    ids::ANDON_NS,
    records::{Assignment, Credential, Language, Station, StationType, Worker, WorkerRole},
    subject,
};
use bytes::Bytes;
use uuid::Uuid;

/// Time for one read or write.
const WITHIN: Duration = Duration::from_secs(10);
/// Workers in one message: with their codes about 4 MB of the 8 that a message may have.
const WORKERS_AN_IMPORT: usize = 10_000;

/// The job that everybody works on.
pub const JOB: &str = "BENCH-1";

/// The factory as the directory has it.
pub struct Factory {
    /// Its workers.
    pub workers: Vec<WorkerId>,
    /// Its only station.
    pub station: StationId,
    /// The same as engine and gateway hold it.
    pub directory: Directory,
}

/// The code of the `index`-th worker.
pub fn code(index: usize) -> String {
    format!("bench-{index}")
}

impl Factory {
    /// Makes one with so many workers in an empty directory.
    ///
    /// # Errors
    /// The log does not take it.
    pub async fn make(bus: &Bus, workers: usize) -> anyhow::Result<Self> {
        let facts = bus.stream_info(subject::STREAM_DIRECTORY, WITHIN).await?;
        let (now, mut seq) = (facts.server_now_us, facts.last_seq);
        let station = StationId(Uuid::new_v5(&ANDON_NS, b"bench station"));
        let mut factory = Self { workers: Vec::with_capacity(workers), station, directory: Directory::default() };
        let mut records = vec![Record::Station(bench_station(station, now))];
        for index in 0..workers {
            let worker = WorkerId(Uuid::new_v5(&ANDON_NS, code(index).as_bytes()));
            factory.workers.push(worker);
            records.extend(bench_worker(worker, station, index, now));
            if factory.workers.len().is_multiple_of(WORKERS_AN_IMPORT) {
                seq = factory.import(bus, std::mem::take(&mut records), now, seq).await?;
            }
        }
        if !records.is_empty() {
            factory.import(bus, records, now, seq).await?;
        }
        Ok(factory)
    }

    async fn import(&mut self, bus: &Bus, records: Vec<Record>, at_us: TimeUs, after: u64) -> anyhow::Result<u64> {
        let change = Change::Import { id: Uuid::new_v4(), records };
        let subject = change.subject();
        let event = DirectoryEvent { at_us, actor: Actor::System, change, extra: Extra::new() };
        let mut headers = HeaderMap::new();
        headers.insert(subject::HEADER_SCHEMA, codec::SCHEMA);
        let payload = Bytes::from(codec::encode(&event)?);
        let publish = Publish {
            stream: subject::STREAM_DIRECTORY,
            subject,
            headers,
            payload,
            expect: Expect::LastInStream(after),
        };
        let ack = bus.publish(&publish, WITHIN).await.context("the factory cannot be written")?;
        self.directory.apply(ack.seq, event);
        Ok(ack.seq)
    }
}

fn bench_station(id: StationId, now: TimeUs) -> Station {
    Station {
        id,
        name: "Bench".into(),
        code: "BENCH".into(),
        station_type: StationType::Other,
        is_active: true,
        start_checklist: Vec::new(),
        end_checklist: Vec::new(),
        created_at_us: now,
        updated_at_us: now,
        extra: Extra::new(),
    }
}

fn bench_worker(id: WorkerId, station_id: StationId, index: usize, now: TimeUs) -> [Record; 2] {
    let worker = Worker {
        id,
        full_name: format!("Worker number {index}").into(),
        language: Language::Auto,
        role: WorkerRole::Worker,
        is_active: true,
        assignments: vec![Assignment { station_id, created_at_us: now }],
        created_at_us: now,
        updated_at_us: now,
        extra: Extra::new(),
    };
    let credential = Credential { worker_id: id, worker_code: code(index).into(), extra: Extra::new() };
    [Record::Worker(worker), Record::Credential(credential)]
}
