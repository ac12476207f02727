//! Tests of what a directory must keep to.

use bus_schemas::{
    StationId, WorkerId,
    records::{Assignment, Language, StationType, WorkerRole},
};
use uuid::Uuid;

use super::*;

fn worker(number: u128, stations: &[u128]) -> Record {
    Record::Worker(Worker {
        id: WorkerId(Uuid::from_u128(number)),
        full_name: "Noa Levi".into(),
        language: Language::He,
        role: WorkerRole::Worker,
        is_active: true,
        assignments: stations
            .iter()
            .map(|id| Assignment { station_id: StationId(Uuid::from_u128(*id)), created_at_us: TimeUs::default() })
            .collect(),
        created_at_us: TimeUs::default(),
        updated_at_us: TimeUs::default(),
        extra: Extra::new(),
    })
}

fn station(number: u128, code: &str) -> Record {
    Record::Station(Station {
        id: StationId(Uuid::from_u128(number)),
        name: "Offset".into(),
        code: code.into(),
        station_type: StationType::Offset,
        is_active: true,
        start_checklist: Vec::new(),
        end_checklist: Vec::new(),
        created_at_us: TimeUs::default(),
        updated_at_us: TimeUs::default(),
        extra: Extra::new(),
    })
}

fn code(worker: u128, code: &str) -> Record {
    Record::Credential(Credential {
        worker_id: WorkerId(Uuid::from_u128(worker)),
        worker_code: code.into(),
        extra: Extra::new(),
    })
}

fn holding(records: Vec<Record>) -> Directory {
    put(&Directory::default(), &records).unwrap();
    after(&Directory::default(), Change::Import { id: Uuid::nil(), records })
}

#[test]
fn codes_are_unique_across_what_is_there_and_what_is_put() {
    let directory = holding(vec![station(1, "A"), worker(1, &[1]), worker(2, &[]), code(1, "1001")]);
    let problems = put(&directory, &[code(2, "1001"), station(2, "A")]).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.index).collect::<Vec<_>>(), [0, 1]);
    // Codes may be exchanged in one change.
    let both = holding(vec![worker(1, &[]), worker(2, &[]), code(1, "1001"), code(2, "1002")]);
    put(&both, &[code(1, "1002"), code(2, "1001")]).unwrap();
}

#[test]
fn what_a_record_names_must_be_there() {
    let problems = put(&Directory::default(), &[worker(1, &[9, 9]), code(3, "1")]).unwrap_err();
    let all: Vec<_> = problems.iter().map(|problem| problem.what.as_str()).collect();
    assert!(all[0].contains("no station") && all[1].contains("assigned twice"), "{all:?}");
    assert!(all.iter().any(|what| what.contains("no worker")));
}

#[test]
fn built_in_statuses_can_be_relabelled_and_nothing_else() {
    let mut status = builtin::statuses().remove(1);
    status.label_en = "Running".into();
    put(&Directory::default(), &[Record::Status(status.clone())]).unwrap();
    for bad in [
        Status { is_active: false, ..status.clone() },
        Status { built_in: false, ..status.clone() },
        Status { color: "red".into(), ..status.clone() },
        Status { code: "mine".parse().unwrap(), ..status.clone() },
    ] {
        put(&Directory::default(), &[Record::Status(bad.clone())]).expect_err(bad.code.as_str());
    }
    remove(&Directory::default(), &Key::Status(status.code)).unwrap_err();
}

#[test]
fn what_is_needed_cannot_be_removed() {
    let directory = holding(vec![station(1, "A"), worker(1, &[1]), code(1, "1001")]);
    assert!(remove(&directory, &Key::Station(StationId(Uuid::from_u128(1)))).unwrap_err().contains("assigned"));
    remove(&directory, &Key::Worker(WorkerId(Uuid::from_u128(1)))).unwrap_err();
    remove(&directory, &Key::Credential(WorkerId(Uuid::from_u128(1)))).unwrap();
}

#[test]
fn texts_from_people_are_checked() {
    for bad in ["", " ", " a", "a\u{0}b", "a\nb", &"x".repeat(NAME_MAX_CHARS + 1)] {
        let Record::Worker(good) = worker(1, &[]) else { panic!("a worker") };
        let record = Record::Worker(Worker { full_name: bad.into(), ..good });
        put(&Directory::default(), &[record]).expect_err(bad);
    }
}
