//! The simulated factory: workers and two stations, and commands for them.

use bus_schemas::{
    Actor, CommandBody, Extra, SessionId, StationId, TimeUs, WorkerId,
    command::{AbandonReason, QuantityReport},
    directory::{Change, Directory, DirectoryEvent, Record},
    records::{Assignment, Language, Station, StationType, Worker, WorkerRole},
};
use rand::{Rng, rngs::SmallRng};
use uuid::Uuid;

/// The wall clock at the beginning.
pub(super) const START: TimeUs = TimeUs::from_micros(1_700_000_000_000_000);
const STATIONS: [StationId; 2] = [StationId(Uuid::from_u128(11)), StationId(Uuid::from_u128(12))];

/// The id of a worker.
pub(super) fn worker(number: usize) -> WorkerId {
    WorkerId(Uuid::from_u128(1_000 + number as u128))
}

/// The directory of so many workers, all assigned to both stations. Stations have no checklists.
pub(super) fn directory(workers: usize) -> Directory {
    let mut directory = Directory::default();
    let records = STATIONS.iter().map(|id| station(*id, true)).chain((0..workers).map(person));
    for (seq, record) in (1..).zip(records) {
        put(&mut directory, seq, record);
    }
    directory
}

/// One station is taken out of service, or back.
pub(super) fn edit(directory: &mut Directory, seq: u64, is_active: bool) {
    put(directory, seq, station(STATIONS[0], is_active));
}

fn put(directory: &mut Directory, seq: u64, record: Record) {
    let change = Change::Put(record);
    directory.apply(seq, DirectoryEvent { at_us: START, actor: Actor::System, change, extra: Extra::new() });
}

fn station(id: StationId, is_active: bool) -> Record {
    Record::Station(Station {
        id,
        name: "station".into(),
        code: id.to_string().into(),
        station_type: StationType::Offset,
        is_active,
        start_checklist: [].into(),
        end_checklist: [].into(),
        created_at_us: START,
        updated_at_us: START,
        extra: Extra::new(),
    })
}

fn person(number: usize) -> Record {
    let assignments = STATIONS.map(|station_id| Assignment { station_id, created_at_us: START });
    Record::Worker(Worker {
        id: worker(number),
        full_name: "worker".into(),
        language: Language::Auto,
        role: WorkerRole::Worker,
        is_active: true,
        assignments: assignments.into(),
        created_at_us: START,
        updated_at_us: START,
        extra: Extra::new(),
    })
}

/// What a worker at this session presses. `expired` allows the command whose answer hangs on beats.
pub(super) fn press(random: &mut SmallRng, session: Option<SessionId>, expired: bool) -> CommandBody {
    let station_id = STATIONS[random.random_range(0..2)];
    let open = CommandBody::Open { station_id, job_number: format!("{}", random.random_range(0..3)).into() };
    let Some(session_id) = session else { return open };
    match random.random_range(0..100) {
        0..15 => open,
        15..50 => {
            let statuses = ["production", "setup", "stopped"];
            let status =
                statuses[random.random_range(0..3)].parse().unwrap_or_else(|_| bus_schemas::StatusCode::stopped());
            CommandBody::Status { session_id, status, reason_id: None, note: None, image_url: None }
        }
        50..80 => {
            let report = QuantityReport::Deltas { good: Some(1), scrap: None, reason_id: None };
            CommandBody::Quantities { session_id, report }
        }
        80..86 => CommandBody::Complete { session_id },
        86..90 => CommandBody::Abandon { session_id, reason: AbandonReason::WorkerChoice },
        90..96 if expired => CommandBody::Abandon { session_id, reason: AbandonReason::Expired },
        _ => CommandBody::AdminClose { session_id },
    }
}
