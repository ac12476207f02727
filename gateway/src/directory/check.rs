//! What a directory must keep to: pure, over the directory as it would be after the change.

use std::collections::{HashMap, HashSet};

use bus_schemas::{
    Actor, Extra, JobId, TimeUs, builtin,
    directory::{Change, Directory, DirectoryEvent, Key, Record},
    limits::{
        CHECKLIST_MAX_ITEMS, ITEM_ID_MAX_CHARS, NAME_MAX_CHARS, NOTE_MAX_CHARS, QUANTITY_MAX, WORKER_CODE_MAX_CHARS,
    },
    records::{ChecklistItem, Credential, Job, Reason, Station, Status, Worker},
    text::{check_line, check_note, job_number, present},
};

/// Characters of a station's code: it stands on a sign at the machine.
const STATION_CODE_MAX_CHARS: usize = 64;

/// A record that may not be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which of the records of the change, counted from 0.
    pub index: usize,
    /// What is wrong with it.
    pub what: String,
}

/// Checks that the directory is consistent after these records are put.
///
/// # Errors
/// Every problem, in the order of the records.
pub fn put(directory: &Directory, records: &[Record]) -> Result<(), Vec<Problem>> {
    let after = after(directory, Change::Import { id: uuid::Uuid::nil(), records: records.to_vec() });
    let codes = Codes::of(&after);
    let mut problems = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let mut found = Found(Vec::new());
        found.record(record, &after, &codes);
        problems.extend(found.0.into_iter().map(|what| Problem { index, what }));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Checks that a record may be removed.
///
/// # Errors
/// What still needs it.
pub fn remove(directory: &Directory, key: &Key) -> Result<(), String> {
    match key {
        Key::Status(code) if builtin::statuses().iter().any(|status| status.code == *code) => {
            Err(format!("status {code} is built in: it can be relabelled, never removed"))
        }
        Key::Station(id) => {
            let mut assigned =
                directory.workers().filter(|stored| stored.record.assignments.iter().any(|a| a.station_id == *id));
            if let Some(worker) = assigned.next() {
                return Err(format!("worker {:?} is assigned to the station", worker.record.full_name));
            }
            match directory.statuses().find(|stored| stored.record.station_id == Some(*id)) {
                Some(status) => Err(format!("status {} belongs to the station", status.record.code)),
                None => Ok(()),
            }
        }
        Key::Worker(id) if directory.credential(*id).is_some() => {
            Err("the worker still has a code: remove the credential first".to_owned())
        }
        _ => Ok(()),
    }
}

/// The directory after a change.
#[must_use]
pub fn after(directory: &Directory, change: Change) -> Directory {
    let mut after = directory.clone();
    let event = DirectoryEvent { at_us: TimeUs::default(), actor: Actor::System, change, extra: Extra::new() };
    after.apply(directory.seq() + 1, event);
    after
}

/// How often each code is used.
struct Codes {
    workers: HashMap<Box<str>, usize>,
    stations: HashMap<Box<str>, usize>,
}

impl Codes {
    fn of(directory: &Directory) -> Self {
        let mut codes = Self { workers: HashMap::new(), stations: HashMap::new() };
        for stored in directory.credentials() {
            *codes.workers.entry(stored.record.worker_code.clone()).or_default() += 1;
        }
        for stored in directory.stations() {
            *codes.stations.entry(stored.record.code.clone()).or_default() += 1;
        }
        codes
    }
}

/// Collects what is wrong with one record.
struct Found(Vec<String>);

impl Found {
    fn say(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    fn name(&mut self, what: &str, text: &str, max: usize) {
        if present(text).is_none() {
            self.say(format!("{what} must not be empty"));
        } else if present(text) != Some(text) {
            self.say(format!("{what} must not begin or end with white space"));
        } else if let Err(error) = check_line(text, max) {
            self.say(format!("{what}: {error}"));
        }
    }

    fn labels(&mut self, labels: [&str; 3]) {
        for (language, label) in ["he", "ru", "en"].into_iter().zip(labels) {
            self.name(&format!("the label in {language}"), label, NAME_MAX_CHARS);
        }
    }

    fn record(&mut self, record: &Record, after: &Directory, codes: &Codes) {
        match record {
            Record::Worker(worker) => self.worker(worker, after),
            Record::Station(station) => self.station(station, codes),
            Record::Job(job) => self.job(job),
            Record::Reason(Reason { label_he, label_ru, label_en, .. }) => {
                self.labels([label_he, label_ru, label_en]);
            }
            Record::Status(status) => self.status(status, after),
            Record::Credential(credential) => self.credential(credential, after, codes),
            Record::Device(device) => self.name("name", &device.name, NAME_MAX_CHARS),
            Record::Revoked(_) => {}
        }
    }

    fn worker(&mut self, worker: &Worker, after: &Directory) {
        self.name("full_name", &worker.full_name, NAME_MAX_CHARS);
        let mut seen = HashSet::new();
        for assignment in &worker.assignments {
            if !seen.insert(assignment.station_id) {
                self.say(format!("station {} is assigned twice", assignment.station_id));
            }
            if after.station(assignment.station_id).is_none() {
                self.say(format!("there is no station {}", assignment.station_id));
            }
        }
    }

    fn station(&mut self, station: &Station, codes: &Codes) {
        self.name("name", &station.name, NAME_MAX_CHARS);
        self.name("code", &station.code, STATION_CODE_MAX_CHARS);
        if codes.stations.get(&station.code).is_some_and(|uses| *uses > 1) {
            self.say(format!("station code {:?} is used more than once", station.code));
        }
        self.checklist("start checklist", &station.start_checklist);
        self.checklist("end checklist", &station.end_checklist);
    }

    fn checklist(&mut self, what: &str, items: &[ChecklistItem]) {
        if items.len() > CHECKLIST_MAX_ITEMS {
            self.say(format!("{what}: at most {CHECKLIST_MAX_ITEMS} items are allowed"));
            return;
        }
        let mut seen = HashSet::new();
        for item in items {
            self.name(&format!("{what}: item id"), &item.id, ITEM_ID_MAX_CHARS);
            self.labels([&item.label_he, &item.label_ru, &item.label_en]);
            if !seen.insert(&item.id) {
                self.say(format!("{what}: item id {:?} is used more than once", item.id));
            }
        }
    }

    fn job(&mut self, job: &Job) {
        match job_number(&job.job_number) {
            Ok(normal) if *normal != *job.job_number => self.say("the job number is not in its normal form"),
            Ok(normal) if JobId::of(&normal) != job.id => self.say("the job's id is not the one of its number"),
            Ok(_) => {}
            Err(error) => self.say(format!("job number: {error}")),
        }
        if let Some(customer) = &job.customer_name {
            self.name("customer_name", customer, NAME_MAX_CHARS);
        }
        if let Some(Err(error)) = job.description.as_deref().map(|text| check_note(text, NOTE_MAX_CHARS)) {
            self.say(format!("description: {error}"));
        }
        if job.planned_quantity.is_some_and(|quantity| !(0..=QUANTITY_MAX).contains(&quantity)) {
            self.say(format!("planned_quantity must be from 0 to {QUANTITY_MAX}"));
        }
    }

    fn status(&mut self, status: &Status, after: &Directory) {
        self.labels([&status.label_he, &status.label_ru, &status.label_en]);
        if !is_color(&status.color) {
            self.say("the color must be #rrggbb");
        }
        if let Some(station) = status.station_id.filter(|id| after.station(*id).is_none()) {
            self.say(format!("there is no station {station}"));
        }
        let built_in = builtin::statuses().into_iter().find(|known| known.code == status.code);
        match built_in {
            Some(known) => {
                let kept = status.built_in
                    && status.is_active
                    && status.station_id.is_none()
                    && status.machine_class == known.machine_class;
                if !kept {
                    self.say(
                        "a built-in status stays active, everywhere and in its class: only labels, colour and \
                              requires_reason can be changed",
                    );
                }
            }
            None if status.built_in => self.say("only the six built-in statuses are built in"),
            None => {}
        }
    }

    fn credential(&mut self, credential: &Credential, after: &Directory, codes: &Codes) {
        self.name("worker_code", &credential.worker_code, WORKER_CODE_MAX_CHARS);
        if after.worker(credential.worker_id).is_none() {
            self.say(format!("there is no worker {}", credential.worker_id));
        }
        if codes.workers.get(&credential.worker_code).is_some_and(|uses| *uses > 1) {
            self.say("the worker code is used more than once");
        }
    }
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
