//! One example of every directory record and change.

use bus_schemas::{
    Actor, DeviceId, Extra, JobId,
    audit::{AuditAction, AuditEntry},
    directory::{Change, DirectoryEvent, Key, Record},
    records::{
        Assignment, ChecklistItem, Credential, Device, Job, Language, Reason, ReasonType, Revoked, RevokedWhat,
        Station, StationType, Status, Worker, WorkerRole,
    },
    status::MachineClass,
};
use uuid::Uuid;

use crate::examples::{REASON, STATION, WORKER, at, code};

/// Every kind of record.
pub fn records() -> Vec<Record> {
    vec![
        Record::Worker(worker()),
        Record::Station(station()),
        Record::Job(job()),
        Record::Reason(Reason {
            id: REASON,
            kind: ReasonType::Stop,
            label_he: "תקיעה".into(),
            label_ru: "Замятие".into(),
            label_en: "Jam".into(),
            is_active: true,
            extra: Extra::new(),
        }),
        Record::Status(status()),
        Record::Credential(Credential { worker_id: WORKER, worker_code: "1001".into(), extra: Extra::new() }),
        revoked(RevokedWhat::Token("token-1".into())),
        revoked(RevokedWhat::Account("noa".into())),
        revoked(RevokedWhat::Worker(WORKER)),
        Record::Device(device()),
    ]
}

/// What names each of them.
pub fn keys() -> Vec<Key> {
    records().iter().map(Record::key).collect()
}

/// An event of this change.
pub fn event(change: Change) -> DirectoryEvent {
    DirectoryEvent { at_us: at(0), actor: Actor::Admin("noa".into()), change, extra: Extra::new() }
}

/// Several records in one message.
pub fn import() -> Change {
    let id = Uuid::from_u128(0x0190_a5c0_0000_7000_8000_0000_0000_0007);
    Change::Import { id, records: vec![Record::Worker(worker()), Record::Station(station())] }
}

/// Something an account did.
pub fn audit() -> Change {
    Change::Audit(AuditEntry {
        id: Uuid::from_u128(0x0190_a5c0_0000_7000_8000_0000_0000_0008),
        action: AuditAction::ChangeAccount,
        target: "noa".into(),
        detail: Some("role supervisor".into()),
        extra: Extra::new(),
    })
}

fn device() -> Device {
    Device {
        id: DeviceId(Uuid::from_u128(0x0190_a5c0_0000_7000_8000_0000_0000_0009)),
        name: "Tablet at the offset press".into(),
        enrolled_at_us: at(0),
        enrolled_by: "noa".into(),
        extra: Extra::new(),
    }
}

fn worker() -> Worker {
    Worker {
        id: WORKER,
        full_name: "Dana Levi".into(),
        language: Language::He,
        role: WorkerRole::Worker,
        is_active: true,
        assignments: vec![Assignment { station_id: STATION, created_at_us: at(0) }],
        created_at_us: at(0),
        updated_at_us: at(1),
        extra: Extra::new(),
    }
}

fn station() -> Station {
    let item = |id: &str, is_required| ChecklistItem {
        id: id.into(),
        order_index: 1,
        label_he: "שמן".into(),
        label_ru: "Масло".into(),
        label_en: "Oil".into(),
        is_required,
    };
    Station {
        id: STATION,
        name: "Press 1".into(),
        code: "P1".into(),
        station_type: StationType::Offset,
        is_active: true,
        start_checklist: vec![item("oil", true)],
        end_checklist: vec![item("clean", false)],
        created_at_us: at(0),
        updated_at_us: at(1),
        extra: Extra::new(),
    }
}

fn job() -> Job {
    Job {
        id: JobId::of("4711"),
        job_number: "4711".into(),
        customer_name: Some("Acme".into()),
        description: Some("Leaflets".into()),
        planned_quantity: Some(5_000),
        created_at_us: at(0),
        updated_at_us: at(1),
        extra: Extra::new(),
    }
}

fn status() -> Status {
    Status {
        code: code("cleaning"),
        label_he: "ניקוי".into(),
        label_ru: "Чистка".into(),
        label_en: "Cleaning".into(),
        color: "#0891b2".into(),
        machine_class: MachineClass::Setup,
        station_id: Some(STATION),
        requires_reason: true,
        is_active: true,
        built_in: false,
        extra: Extra::new(),
    }
}

fn revoked(what: RevokedWhat) -> Record {
    Record::Revoked(Revoked { what, at_us: at(0), until_us: at(57_600), extra: Extra::new() })
}
