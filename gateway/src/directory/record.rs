//! Directory records out of the fields of a request. What is left out stays as it is; null or blank text empties what
//! may be empty.

use bus_schemas::{
    Extra, JobId, StationId, TimeUs, builtin,
    directory::{Directory, Record},
    limits::{
        CHECKLIST_MAX_ITEMS, ITEM_ID_MAX_CHARS, NAME_MAX_CHARS, NOTE_MAX_CHARS, QUANTITY_MAX, WORKER_CODE_MAX_CHARS,
    },
    records::{Assignment, ChecklistItem, Credential, Job, Reason, Station, Status, Worker},
    text::job_number,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    error::{ApiError, Code},
    extract::{Fields, TextKind},
    routes::admin::directory::Kind,
};

/// Stations one worker may be assigned to.
const ASSIGNMENTS_MAX: usize = 1_000;

/// The records that a put of this one writes: a worker's code is a record of its own.
///
/// # Errors
/// The fields are not well formed, or a new record lacks some.
pub fn records_from(
    kind: Kind,
    id: &str,
    fields: &Fields,
    directory: &Directory,
    now: TimeUs,
) -> Result<Vec<Record>, ApiError> {
    let reader = Reader { fields, now };
    match kind {
        Kind::Worker => reader.worker(parsed(id)?, directory),
        Kind::Station => reader.station(parsed(id)?, directory).map(|record| vec![Record::Station(record)]),
        Kind::Job => reader.job(parsed(id)?, directory).map(|record| vec![Record::Job(record)]),
        Kind::Reason => reader.reason(parsed(id)?, directory).map(|record| vec![Record::Reason(record)]),
        Kind::Status => reader.status(id, directory).map(|record| vec![Record::Status(record)]),
    }
}

fn parsed<T: std::str::FromStr>(id: &str) -> Result<T, ApiError> {
    id.parse().map_err(|_| ApiError::payload("the id in the path is not well formed"))
}

struct Reader<'f> {
    fields: &'f Fields,
    now: TimeUs,
}

impl Reader<'_> {
    fn line(&self, name: &str, max: usize, known: Option<&str>) -> Result<Box<str>, ApiError> {
        match self.fields.text(name, max, TextKind::Line)? {
            Some(text) => Ok(text.into()),
            None => known.map(Into::into).ok_or_else(|| ApiError::payload(format!("{name} is needed"))),
        }
    }

    /// One of the names of an enum, as records write it.
    fn one_of<T: DeserializeOwned + Copy>(&self, name: &str, known: Option<T>) -> Result<T, ApiError> {
        let Some(text) = self.fields.text(name, 100, TextKind::Line)? else {
            return known.ok_or_else(|| ApiError::payload(format!("{name} is needed")));
        };
        serde_json::from_value(Value::String(text)).map_err(|_| ApiError::payload(format!("{name} has no such value")))
    }

    /// What stays when the field gives no other value.
    fn kept<T>(&self, name: &str, known: Option<T>) -> Option<T> {
        known.filter(|_| !self.fields.empties(name))
    }

    fn flag(&self, name: &str, known: bool) -> Result<bool, ApiError> {
        Ok(self.fields.flag(name)?.unwrap_or(known))
    }

    fn labels(&self, known: Option<[&str; 3]>) -> Result<[Box<str>; 3], ApiError> {
        let label = |name: &str, index: usize| self.line(name, NAME_MAX_CHARS, known.map(|known| known[index]));
        Ok([label("label_he", 0)?, label("label_ru", 1)?, label("label_en", 2)?])
    }

    fn worker(&self, id: bus_schemas::WorkerId, directory: &Directory) -> Result<Vec<Record>, ApiError> {
        let known = directory.worker(id).map(|stored| &*stored.record);
        let assignments = match self.fields.ids::<StationId>("station_ids", ASSIGNMENTS_MAX)? {
            Some(ids) => ids.into_iter().map(|id| self.assignment(id, known)).collect(),
            None => known.map(|known| known.assignments.clone()).unwrap_or_default(),
        };
        let worker = Worker {
            id,
            full_name: self.line("full_name", NAME_MAX_CHARS, known.map(|known| &*known.full_name))?,
            language: self.one_of("language", Some(known.map(|known| known.language).unwrap_or_default()))?,
            role: self.one_of("role", Some(known.map(|known| known.role).unwrap_or_default()))?,
            is_active: self.flag("is_active", known.is_none_or(|known| known.is_active))?,
            assignments,
            created_at_us: known.map_or(self.now, |known| known.created_at_us),
            updated_at_us: self.now,
            extra: known.map(|known| known.extra.clone()).unwrap_or_default(),
        };
        let mut records = vec![Record::Worker(worker)];
        if let Some(code) = self.fields.text("worker_code", WORKER_CODE_MAX_CHARS, TextKind::Line)? {
            records.push(Record::Credential(Credential {
                worker_id: id,
                worker_code: code.into(),
                extra: Extra::new(),
            }));
        }
        Ok(records)
    }

    fn assignment(&self, station_id: StationId, known: Option<&Worker>) -> Assignment {
        let before = known.and_then(|known| known.assignments.iter().find(|a| a.station_id == station_id));
        Assignment { station_id, created_at_us: before.map_or(self.now, |before| before.created_at_us) }
    }

    fn station(&self, id: StationId, directory: &Directory) -> Result<Station, ApiError> {
        let known = directory.station(id).map(|stored| &*stored.record);
        Ok(Station {
            id,
            name: self.line("name", NAME_MAX_CHARS, known.map(|known| &*known.name))?,
            code: self.line("code", NAME_MAX_CHARS, known.map(|known| &*known.code))?,
            station_type: self.one_of("station_type", known.map(|known| known.station_type))?,
            is_active: self.flag("is_active", known.is_none_or(|known| known.is_active))?,
            start_checklist: self.checklist("start_checklist", known.map(|known| &known.start_checklist))?,
            end_checklist: self.checklist("end_checklist", known.map(|known| &known.end_checklist))?,
            created_at_us: known.map_or(self.now, |known| known.created_at_us),
            updated_at_us: self.now,
            extra: known.map(|known| known.extra.clone()).unwrap_or_default(),
        })
    }

    fn checklist(&self, name: &str, known: Option<&Vec<ChecklistItem>>) -> Result<Vec<ChecklistItem>, ApiError> {
        let Some(items) = self.fields.list(name, CHECKLIST_MAX_ITEMS)? else {
            return Ok(known.cloned().unwrap_or_default());
        };
        (1..).zip(&items).map(|(place, fields)| Reader { fields, now: self.now }.item(place)).collect()
    }

    fn item(&self, place: i32) -> Result<ChecklistItem, ApiError> {
        let [label_he, label_ru, label_en] = self.labels(None)?;
        let order_index = self.fields.whole("order_index")?.map_or(Ok(place), i32::try_from);
        Ok(ChecklistItem {
            id: self.line("id", ITEM_ID_MAX_CHARS, None)?,
            order_index: order_index
                .map_err(|_| ApiError::new(Code::InvalidQuantity, "order_index is out of range"))?,
            label_he,
            label_ru,
            label_en,
            is_required: self.flag("is_required", true)?,
        })
    }

    fn job(&self, id: JobId, directory: &Directory) -> Result<Job, ApiError> {
        let known = directory.job(id).map(|stored| &*stored.record);
        let number = self.line("job_number", NAME_MAX_CHARS, known.map(|known| &*known.job_number))?;
        let number = job_number(&number).map_err(|error| ApiError::payload(format!("job_number: {error}")))?;
        let optional = |name: &str, max, kind, known: Option<Box<str>>| {
            self.fields.text(name, max, kind).map(|text| text.map(Into::into).or(self.kept(name, known)))
        };
        let known_quantity = known.and_then(|known| known.planned_quantity);
        let quantity = self.fields.whole("planned_quantity")?.or(self.kept("planned_quantity", known_quantity));
        if quantity.is_some_and(|quantity| !(0..=QUANTITY_MAX).contains(&quantity)) {
            return Err(Code::InvalidQuantity.into());
        }
        Ok(Job {
            id,
            job_number: number.into(),
            customer_name: optional(
                "customer_name",
                NAME_MAX_CHARS,
                TextKind::Line,
                known.and_then(|known| known.customer_name.clone()),
            )?,
            description: optional(
                "description",
                NOTE_MAX_CHARS,
                TextKind::Note,
                known.and_then(|known| known.description.clone()),
            )?,
            planned_quantity: quantity,
            created_at_us: known.map_or(self.now, |known| known.created_at_us),
            updated_at_us: self.now,
            extra: known.map(|known| known.extra.clone()).unwrap_or_default(),
        })
    }

    fn reason(&self, id: bus_schemas::ReasonId, directory: &Directory) -> Result<Reason, ApiError> {
        let known = directory.reason(id).map(|stored| &*stored.record);
        let [label_he, label_ru, label_en] =
            self.labels(known.map(|known| [&*known.label_he, &*known.label_ru, &*known.label_en]))?;
        Ok(Reason {
            id,
            kind: self.one_of("type", known.map(|known| known.kind))?,
            label_he,
            label_ru,
            label_en,
            is_active: self.flag("is_active", known.is_none_or(|known| known.is_active))?,
            extra: known.map(|known| known.extra.clone()).unwrap_or_default(),
        })
    }

    fn status(&self, code: &str, directory: &Directory) -> Result<Status, ApiError> {
        let code: bus_schemas::StatusCode =
            code.parse().map_err(|error| ApiError::payload(format!("the code in the path: {error}")))?;
        let known = directory.status(&code).map(|stored| &*stored.record);
        let [label_he, label_ru, label_en] =
            self.labels(known.map(|known| [&*known.label_he, &*known.label_ru, &*known.label_en]))?;
        Ok(Status {
            label_he,
            label_ru,
            label_en,
            color: self.line("color", 100, known.map(|known| &*known.color))?,
            machine_class: self.one_of("machine_class", known.map(|known| known.machine_class))?,
            station_id: self
                .fields
                .parsed("station_id")?
                .or(self.kept("station_id", known.and_then(|known| known.station_id))),
            requires_reason: self.flag("requires_reason", known.is_some_and(|known| known.requires_reason))?,
            is_active: self.flag("is_active", known.is_none_or(|known| known.is_active))?,
            built_in: builtin::statuses().iter().any(|built_in| built_in.code == code),
            extra: known.map(|known| known.extra.clone()).unwrap_or_default(),
            code,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{clock::wall_now, test_gateway::demo_directory};

    fn job(put: Value) -> Job {
        let directory = demo_directory();
        let planned = directory.jobs().filter(|stored| stored.record.planned_quantity.is_some());
        let known = planned.min_by_key(|stored| stored.record.id).expect("a planned job");
        let Value::Object(put) = put else { panic!("an object") };
        let id = known.record.id.to_string();
        let records = records_from(Kind::Job, &id, &Fields::of(put), &directory, wall_now()).expect("well formed");
        let [Record::Job(job)] = &records[..] else { panic!("one job: {records:?}") };
        job.clone()
    }

    #[test]
    fn what_is_left_out_stays_and_null_or_blank_empties_what_may_be_empty() {
        let stays = job(json!({"description": "Gloss"}));
        assert!(stays.planned_quantity.is_some() && stays.customer_name.is_some());
        assert_eq!(stays.description.as_deref(), Some("Gloss"));
        let emptied = job(json!({"planned_quantity": null, "customer_name": " ", "job_number": null}));
        assert_eq!((emptied.planned_quantity, emptied.customer_name.as_deref()), (None, None));
        assert_eq!(emptied.job_number, stays.job_number, "what must not be empty stays");
    }
}
