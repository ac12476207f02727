//! Import of a factory: planned as a whole against the directory, published as one message, or not at all.

use std::collections::HashMap;

use andon_nats::{Bus, directory::DirectoryView};
use bus_schemas::{
    Actor, Extra, JobId, StationId, TimeUs, WorkerId, builtin,
    directory::{Change, Directory, Key, Record},
    records::{Assignment, ChecklistItem, Credential, Job, Reason, Station, Status, Worker},
};
use uuid::Uuid;

use super::{
    EditError, check, edit,
    factory::{self, BadRow, Factory, ItemRow, Row, StationRow, StatusRow, WorkerRow},
};
use crate::clock::wall_now;

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ImportReport {
    /// Records that are new or changed.
    pub changed: usize,
    /// Records that were so already.
    pub unchanged: usize,
    /// Stream sequence of the directory after it.
    pub seq: u64,
}

/// What an import would put.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// New and changed records.
    pub records: Vec<Record>,
    /// How many are so already.
    pub unchanged: usize,
}

/// Imports a factory file. Records that the file does not name stay as they are.
///
/// # Errors
/// Every bad row, and then nothing is changed; or the directory cannot be reached.
pub async fn import(
    bus: &Bus,
    view: &DirectoryView,
    actor: &Actor,
    text: &str,
) -> Result<ImportReport, EditError<Vec<BadRow>>> {
    let factory = factory::read(text).map_err(EditError::Refused)?;
    let (now, id) = (wall_now(), Uuid::new_v4());
    let (mut changed, mut unchanged) = (0, 0);
    let seq = edit(bus, view, actor, |directory| {
        let import = plan(directory, &factory, now)?;
        (changed, unchanged) = (import.records.len(), import.unchanged);
        Ok((changed > 0).then_some(Change::Import { id, records: import.records }))
    })
    .await?;
    Ok(ImportReport { changed, unchanged, seq })
}

/// What importing this factory into this directory would put.
///
/// # Errors
/// Every row that the directory cannot take.
pub fn plan(directory: &Directory, factory: &Factory, now: TimeUs) -> Result<Import, Vec<BadRow>> {
    let mut planner = Planner::new(directory, factory, now);
    factory.stations.iter().for_each(|row| planner.station(row));
    factory.workers.iter().for_each(|row| planner.worker(row));
    factory.jobs.iter().for_each(|row| planner.job(row));
    factory.reasons.iter().for_each(|row| planner.reason(row));
    factory.statuses.iter().for_each(|row| planner.status(row));
    planner.finish()
}

struct Planner<'d> {
    directory: &'d Directory,
    now: TimeUs,
    stations: HashMap<String, StationId>,
    workers: HashMap<String, WorkerId>,
    /// Each with the line it comes from.
    records: Vec<(usize, Record)>,
    unchanged: usize,
    problems: Vec<BadRow>,
}

impl<'d> Planner<'d> {
    fn new(directory: &'d Directory, factory: &Factory, now: TimeUs) -> Self {
        let mut stations: HashMap<_, _> =
            directory.stations().map(|stored| (stored.record.code.to_string(), stored.record.id)).collect();
        for row in &factory.stations {
            // A code that is there already keeps its id, unless the row names another.
            let id = if row.row.id == factory::station_id(&row.row.code) {
                stations.get(&row.row.code).copied().unwrap_or(row.row.id)
            } else {
                row.row.id
            };
            stations.insert(row.row.code.clone(), id);
        }
        let workers = directory
            .credentials()
            .map(|stored| (stored.record.worker_code.to_string(), stored.record.worker_id))
            .collect();
        Self { directory, now, stations, workers, records: Vec::new(), unchanged: 0, problems: Vec::new() }
    }

    fn put(&mut self, line: usize, record: Record, known: bool) {
        if known {
            self.unchanged += 1;
        } else {
            self.records.push((line, record));
        }
    }

    fn station_by_code(&mut self, line: usize, code: &str) -> Option<StationId> {
        let id = self.stations.get(code).copied();
        if id.is_none() {
            self.problems.push(BadRow { line, problem: format!("there is no station with the code {code:?}") });
        }
        id
    }

    fn station(&mut self, row: &Row<StationRow>) {
        let station = &row.row;
        let id = self.stations.get(&station.code).copied().unwrap_or(station.id);
        let known = self.directory.station(id).map(|stored| &*stored.record);
        let record = Station {
            id,
            name: station.name.as_str().into(),
            code: station.code.as_str().into(),
            station_type: station.station_type,
            is_active: station.active,
            start_checklist: items(&station.start),
            end_checklist: items(&station.end),
            created_at_us: known.map_or(self.now, |known| known.created_at_us),
            updated_at_us: known.map_or(self.now, |known| known.updated_at_us),
            extra: known.map(|known| known.extra.clone()).unwrap_or_default(),
        };
        let same = known == Some(&record);
        self.put(row.line, Record::Station(Station { updated_at_us: self.now, ..record }), same);
    }

    fn worker(&mut self, row: &Row<WorkerRow>) {
        let worker = &row.row;
        let derived = worker.code.as_deref().map(factory::worker_id) == Some(worker.id);
        let holder = worker.code.as_ref().and_then(|code| self.workers.get(code)).copied();
        let id = if derived { holder.unwrap_or(worker.id) } else { worker.id };
        let known = self.directory.worker(id).map(|stored| &*stored.record);
        let mut assignments = Vec::new();
        for code in &worker.stations {
            if let Some(station_id) = self.station_by_code(row.line, code) {
                let before = known.and_then(|known| known.assignments.iter().find(|a| a.station_id == station_id));
                let created_at_us = before.map_or(self.now, |before| before.created_at_us);
                assignments.push(Assignment { station_id, created_at_us });
            }
        }
        let record = Worker {
            id,
            full_name: worker.name.as_str().into(),
            language: worker.language,
            role: worker.role,
            is_active: worker.active,
            assignments,
            created_at_us: known.map_or(self.now, |known| known.created_at_us),
            updated_at_us: known.map_or(self.now, |known| known.updated_at_us),
            extra: known.map(|known| known.extra.clone()).unwrap_or_default(),
        };
        let same = known == Some(&record);
        self.put(row.line, Record::Worker(Worker { updated_at_us: self.now, ..record }), same);
        if let Some(code) = &worker.code {
            let same = self.directory.credential(id).is_some_and(|stored| *stored.record.worker_code == **code);
            let credential = Credential { worker_id: id, worker_code: code.as_str().into(), extra: Extra::new() };
            self.put(row.line, Record::Credential(credential), same);
        }
    }

    fn job(&mut self, row: &Row<factory::JobRow>) {
        let job = &row.row;
        let id = JobId::of(&job.number);
        let known = self.directory.job(id).map(|stored| &*stored.record);
        let record = Job {
            id,
            job_number: job.number.as_str().into(),
            customer_name: job.customer.as_deref().map(Into::into),
            description: job.description.as_deref().map(Into::into),
            planned_quantity: job.quantity,
            created_at_us: known.map_or(self.now, |known| known.created_at_us),
            updated_at_us: known.map_or(self.now, |known| known.updated_at_us),
            extra: known.map(|known| known.extra.clone()).unwrap_or_default(),
        };
        let same = known == Some(&record);
        self.put(row.line, Record::Job(Job { updated_at_us: self.now, ..record }), same);
    }

    fn reason(&mut self, row: &Row<factory::ReasonRow>) {
        let reason = &row.row;
        let known = self.directory.reason(reason.id).map(|stored| &*stored.record);
        let record = Reason {
            id: reason.id,
            kind: reason.kind,
            label_he: reason.labels.he.as_str().into(),
            label_ru: reason.labels.ru.as_str().into(),
            label_en: reason.labels.en.as_str().into(),
            is_active: reason.active,
            extra: known.map(|known| known.extra.clone()).unwrap_or_default(),
        };
        let same = known == Some(&record);
        self.put(row.line, Record::Reason(record), same);
    }

    fn status(&mut self, row: &Row<StatusRow>) {
        let status = &row.row;
        let station_id = match &status.station {
            Some(code) => match self.station_by_code(row.line, code) {
                Some(id) => Some(id),
                None => return,
            },
            None => None,
        };
        let known = self.directory.status(&status.code).map(|stored| &*stored.record);
        let record = Status {
            code: status.code.clone(),
            label_he: status.labels.he.as_str().into(),
            label_ru: status.labels.ru.as_str().into(),
            label_en: status.labels.en.as_str().into(),
            color: status.color.as_str().into(),
            machine_class: status.class,
            station_id,
            requires_reason: status.requires_reason,
            is_active: status.active,
            built_in: builtin::statuses().iter().any(|built_in| built_in.code == status.code),
            extra: known.map(|known| known.extra.clone()).unwrap_or_default(),
        };
        let same = known == Some(&record);
        self.put(row.line, Record::Status(record), same);
    }

    fn finish(self) -> Result<Import, Vec<BadRow>> {
        let Self { directory, records, unchanged, mut problems, .. } = self;
        let (lines, records): (Vec<_>, Vec<_>) = records.into_iter().unzip();
        if let Err(found) = check::put(directory, &records) {
            // A station that a bad row names twice over is one mistake: the row has said it already.
            let reported: Vec<_> = problems.iter().map(|problem| problem.line).collect();
            let more = found.into_iter().map(|problem| BadRow { line: lines[problem.index], problem: problem.what });
            problems.extend(more.filter(|row| !reported.contains(&row.line)));
        }
        problems.sort_by_key(|problem| problem.line);
        problems.dedup();
        if problems.is_empty() { Ok(Import { records, unchanged }) } else { Err(problems) }
    }
}

/// The key of each record an import puts, for whoever wants to name them.
impl Import {
    /// Keys of the records that are new or changed.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.records.iter().map(Record::key)
    }
}

fn items(rows: &[ItemRow]) -> Vec<ChecklistItem> {
    (1..)
        .zip(rows)
        .map(|(order_index, row)| ChecklistItem {
            id: row.id.as_str().into(),
            order_index,
            label_he: row.labels.he.as_str().into(),
            label_ru: row.labels.ru.as_str().into(),
            label_en: row.labels.en.as_str().into(),
            is_required: row.required,
        })
        .collect()
}
