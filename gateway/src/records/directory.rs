//! Directory records in JSON.

use bus_schemas::{
    Session,
    directory::Directory,
    records::{ChecklistItem, Job, Language, Reason, Station, Status, Worker, WorkerRole},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Time;

/// A worker.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerRecord {
    id: Uuid,
    worker_code: Option<Box<str>>,
    full_name: Box<str>,
    #[schema(value_type = String, pattern = "^(he|ru|en|auto)$")]
    language: Language,
    #[schema(value_type = String, pattern = "^(worker|admin)$")]
    role: WorkerRole,
    is_active: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl WorkerRecord {
    /// The worker with the code the directory knows.
    #[must_use]
    pub fn of(worker: &Worker, directory: &Directory) -> Self {
        Self {
            id: worker.id.0,
            worker_code: directory.credential(worker.id).map(|stored| stored.record.worker_code.clone()),
            full_name: worker.full_name.clone(),
            language: worker.language,
            role: worker.role,
            is_active: worker.is_active,
            created_at: Time(worker.created_at_us),
            updated_at: Time(worker.updated_at_us),
        }
    }
}

/// One question of a checklist.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChecklistItemRecord {
    id: Box<str>,
    order_index: i32,
    label_he: Box<str>,
    label_ru: Box<str>,
    label_en: Box<str>,
    is_required: bool,
}

impl ChecklistItemRecord {
    /// A list, in its order.
    #[must_use]
    pub fn list(items: &[ChecklistItem]) -> Vec<Self> {
        let mut items: Vec<_> = items.iter().map(Self::of).collect();
        items.sort_by_key(|item| item.order_index);
        items
    }

    fn of(item: &ChecklistItem) -> Self {
        Self {
            id: item.id.clone(),
            order_index: item.order_index,
            label_he: item.label_he.clone(),
            label_ru: item.label_ru.clone(),
            label_en: item.label_en.clone(),
            is_required: item.is_required,
        }
    }
}

/// A station.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StationRecord {
    id: Uuid,
    name: Box<str>,
    code: Box<str>,
    station_type: Box<str>,
    is_active: bool,
    start_checklist: Vec<ChecklistItemRecord>,
    end_checklist: Vec<ChecklistItemRecord>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl StationRecord {
    /// The station as it is now.
    #[must_use]
    pub fn of(station: &Station) -> Self {
        Self {
            id: station.id.0,
            name: station.name.clone(),
            code: station.code.clone(),
            station_type: station.station_type.as_str().into(),
            is_active: station.is_active,
            start_checklist: ChecklistItemRecord::list(&station.start_checklist),
            end_checklist: ChecklistItemRecord::list(&station.end_checklist),
            created_at: Time(station.created_at_us),
            updated_at: Time(station.updated_at_us),
        }
    }

    /// The station of a session: as it is now, or by the names the session keeps when it is gone from the directory.
    #[must_use]
    pub fn of_session(session: &Session, directory: &Directory) -> Self {
        if let Some(stored) = directory.station(session.station_id) {
            return Self::of(&stored.record);
        }
        Self {
            id: session.station_id.0,
            name: session.names.station.clone(),
            code: session.names.station_code.clone(),
            station_type: session.names.station_type.clone(),
            is_active: false,
            start_checklist: Vec::new(),
            end_checklist: Vec::new(),
            created_at: Time(session.opened_at_us),
            updated_at: Time(session.opened_at_us),
        }
    }
}

/// A production order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JobRecord {
    id: Uuid,
    job_number: Box<str>,
    customer_name: Option<Box<str>>,
    description: Option<Box<str>>,
    planned_quantity: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl JobRecord {
    /// A job with details.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        Self {
            id: job.id.0,
            job_number: job.job_number.clone(),
            customer_name: job.customer_name.clone(),
            description: job.description.clone(),
            planned_quantity: job.planned_quantity,
            created_at: Time(job.created_at_us),
            updated_at: Time(job.updated_at_us),
        }
    }

    /// The job of a session: its details when the directory has some, else what the session keeps.
    #[must_use]
    pub fn of_session(session: &Session, directory: &Directory) -> Self {
        if let Some(stored) = directory.job(session.job_id) {
            return Self::of(&stored.record);
        }
        Self {
            id: session.job_id.0,
            job_number: session.names.job_number.clone(),
            customer_name: session.names.customer.clone(),
            description: None,
            planned_quantity: session.names.planned_quantity,
            created_at: Time(session.opened_at_us),
            updated_at: Time(session.opened_at_us),
        }
    }
}

/// A reason of a standstill or of scrap.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReasonRecord {
    id: Uuid,
    #[serde(rename = "type")]
    kind: &'static str,
    label_he: Box<str>,
    label_ru: Box<str>,
    label_en: Box<str>,
    is_active: bool,
}

impl ReasonRecord {
    /// A reason.
    #[must_use]
    pub fn of(reason: &Reason) -> Self {
        Self {
            id: reason.id.0,
            kind: reason.kind.as_str(),
            label_he: reason.label_he.clone(),
            label_ru: reason.label_ru.clone(),
            label_en: reason.label_en.clone(),
            is_active: reason.is_active,
        }
    }

    /// What lists are sorted by.
    #[must_use]
    pub fn label_he(&self) -> &str {
        &self.label_he
    }
}

/// A status.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StatusRecord {
    code: Box<str>,
    label_he: Box<str>,
    label_ru: Box<str>,
    label_en: Box<str>,
    color: Box<str>,
    machine_class: &'static str,
    station_id: Option<Uuid>,
    requires_reason: bool,
    is_active: bool,
    built_in: bool,
}

impl StatusRecord {
    /// A status.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        Self {
            code: status.code.as_str().into(),
            label_he: status.label_he.clone(),
            label_ru: status.label_ru.clone(),
            label_en: status.label_en.clone(),
            color: status.color.clone(),
            machine_class: status.machine_class.as_str(),
            station_id: status.station_id.map(|id| id.0),
            requires_reason: status.requires_reason,
            is_active: status.is_active,
            built_in: status.built_in,
        }
    }

    /// What lists are sorted by: built-in ones first, then by code.
    #[must_use]
    pub fn order(&self) -> (bool, &str) {
        (!self.built_in, &self.code)
    }
}

/// A worker, in a row of sessions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerBrief {
    /// Its id.
    pub id: Uuid,
    /// The name the session was opened with.
    pub full_name: Box<str>,
}

/// A station, in a row of sessions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StationBrief {
    /// Its id.
    pub id: Uuid,
    /// The name the session was opened with.
    pub name: Box<str>,
    /// The code the session was opened with.
    pub code: Box<str>,
    /// The type the session was opened with.
    pub station_type: Box<str>,
}

/// A job, in a row of sessions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JobBrief {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    pub job_number: Box<str>,
    /// The customer the session was opened with.
    pub customer_name: Option<Box<str>>,
    /// The quantity the session was opened with.
    pub planned_quantity: Option<i64>,
}
