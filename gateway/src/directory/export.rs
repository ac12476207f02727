//! The directory as a factory.

use bus_schemas::{
    builtin,
    directory::Directory,
    records::{ChecklistItem, Job, Reason, Station, Status, Worker},
};

use super::factory::{self, Factory, ItemRow, JobRow, Labels, ReasonRow, Row, StationRow, StatusRow, WorkerRow};

/// The factory file of a directory: importing it into an empty one gives the same directory.
#[must_use]
pub fn export(directory: &Directory) -> String {
    factory::write(&factory(directory))
}

/// The factory of a directory, sorted, so that the same directory is the same file.
#[must_use]
pub(super) fn factory(directory: &Directory) -> Factory {
    let mut factory = Factory {
        stations: directory.stations().map(|stored| row(station(&stored.record))).collect(),
        workers: directory.workers().map(|stored| row(worker(&stored.record, directory))).collect(),
        jobs: directory.jobs().map(|stored| row(job(&stored.record))).collect(),
        reasons: directory.reasons().map(|stored| row(reason(&stored.record))).collect(),
        statuses: edited_statuses(directory).map(|record| row(status(record, directory))).collect(),
    };
    factory.stations.sort_by(|a, b| a.row.code.cmp(&b.row.code));
    factory.workers.sort_by(|a, b| (&a.row.code, a.row.id).cmp(&(&b.row.code, b.row.id)));
    factory.jobs.sort_by(|a, b| a.row.number.cmp(&b.row.number));
    factory.reasons.sort_by(|a, b| {
        (b.row.kind.as_str(), &a.row.labels.he, a.row.id).cmp(&(a.row.kind.as_str(), &b.row.labels.he, b.row.id))
    });
    factory.statuses.sort_by(|a, b| a.row.code.cmp(&b.row.code));
    factory
}

/// Statuses that a file must carry: built-in ones only when they were relabelled.
fn edited_statuses(directory: &Directory) -> impl Iterator<Item = &Status> {
    let originals = builtin::statuses();
    directory.statuses().map(|stored| &*stored.record).filter(move |status| !originals.contains(status))
}

fn row<T>(row: T) -> Row<T> {
    Row { line: 0, row }
}

fn labels(he: &str, ru: &str, en: &str) -> Labels {
    Labels { he: he.to_owned(), ru: ru.to_owned(), en: en.to_owned() }
}

fn station(station: &Station) -> StationRow {
    StationRow {
        id: station.id,
        code: station.code.to_string(),
        name: station.name.to_string(),
        station_type: station.station_type,
        active: station.is_active,
        start: items(&station.start_checklist),
        end: items(&station.end_checklist),
    }
}

fn items(items: &[ChecklistItem]) -> Vec<ItemRow> {
    let mut sorted: Vec<_> = items.iter().collect();
    sorted.sort_by_key(|item| item.order_index);
    let row = |item: &&ChecklistItem| ItemRow {
        id: item.id.to_string(),
        labels: labels(&item.label_he, &item.label_ru, &item.label_en),
        required: item.is_required,
    };
    sorted.iter().map(row).collect()
}

fn worker(worker: &Worker, directory: &Directory) -> WorkerRow {
    let code_of = |id| directory.station(id).map(|stored| stored.record.code.to_string());
    WorkerRow {
        id: worker.id,
        code: directory.credential(worker.id).map(|stored| stored.record.worker_code.to_string()),
        name: worker.full_name.to_string(),
        language: worker.language,
        role: worker.role,
        active: worker.is_active,
        stations: worker.assignments.iter().filter_map(|assignment| code_of(assignment.station_id)).collect(),
    }
}

fn job(job: &Job) -> JobRow {
    JobRow {
        number: job.job_number.to_string(),
        customer: job.customer_name.as_deref().map(str::to_owned),
        description: job.description.as_deref().map(str::to_owned),
        quantity: job.planned_quantity,
    }
}

fn reason(reason: &Reason) -> ReasonRow {
    ReasonRow {
        id: reason.id,
        kind: reason.kind,
        labels: labels(&reason.label_he, &reason.label_ru, &reason.label_en),
        active: reason.is_active,
    }
}

fn status(status: &Status, directory: &Directory) -> StatusRow {
    let station = status.station_id.and_then(|id| directory.station(id));
    StatusRow {
        code: status.code.clone(),
        labels: labels(&status.label_he, &status.label_ru, &status.label_en),
        color: status.color.to_string(),
        class: status.machine_class,
        station: station.map(|stored| stored.record.code.to_string()),
        requires_reason: status.requires_reason,
        active: status.is_active,
    }
}
