//! Writes a factory file: the canonical form, so that a factory read back and written again is the same text.

use std::fmt::{Display, Write};

use bus_schemas::records::{Language, WorkerRole};

use super::{
    Factory, ItemRow, JobRow, Labels, ReasonRow, StationRow, StatusRow, WorkerRow, reason_id, station_id, worker_id,
};

const HEAD: &str = "\
# A factory: stations with their checklists, workers with their codes, jobs, reasons and statuses.
# Worker codes are what people sign in with: keep this file as you would keep keys.
# Load it with: andon admin import FILE. Ids that are left out are derived from the codes.
";

/// Writes a factory file. Ids that would be derived, and values that are the default, are left out.
#[must_use]
pub fn write(factory: &Factory) -> String {
    let mut page = Page(HEAD.to_owned());
    factory.stations.iter().for_each(|row| station(&mut page, &row.row));
    factory.workers.iter().for_each(|row| worker(&mut page, &row.row));
    factory.jobs.iter().for_each(|row| job(&mut page, &row.row));
    factory.reasons.iter().for_each(|row| reason(&mut page, &row.row));
    factory.statuses.iter().for_each(|row| status(&mut page, &row.row));
    page.0
}

struct Page(String);

impl Page {
    fn row(&mut self, name: &str) {
        self.0.push_str("\n[[");
        self.0.push_str(name);
        self.0.push_str("]]\n");
    }

    fn raw(&mut self, key: &str, value: impl Display) {
        // Writing into a String cannot fail.
        let _ = writeln!(self.0, "{key} = {value}");
    }

    fn text(&mut self, key: &str, text: &str) {
        self.raw(key, toml::Value::from(text));
    }

    fn optional(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    fn flag(&mut self, key: &str, value: bool, otherwise: bool) {
        if value != otherwise {
            self.raw(key, value);
        }
    }

    fn labels(&mut self, labels: &Labels) {
        self.text("he", &labels.he);
        self.text("ru", &labels.ru);
        self.text("en", &labels.en);
    }
}

fn station(page: &mut Page, station: &StationRow) {
    page.row("station");
    if station.id != station_id(&station.code) {
        page.text("id", &station.id.to_string());
    }
    page.text("code", &station.code);
    page.text("name", &station.name);
    page.text("type", station.station_type.as_str());
    page.flag("active", station.active, true);
    station.start.iter().for_each(|row| item(page, "station.start", row));
    station.end.iter().for_each(|row| item(page, "station.end", row));
}

fn item(page: &mut Page, name: &str, item: &ItemRow) {
    page.row(name);
    page.text("id", &item.id);
    page.labels(&item.labels);
    page.flag("required", item.required, true);
}

fn worker(page: &mut Page, worker: &WorkerRow) {
    page.row("worker");
    if worker.code.as_deref().map(worker_id) != Some(worker.id) {
        page.text("id", &worker.id.to_string());
    }
    page.optional("code", worker.code.as_deref());
    page.text("name", &worker.name);
    if worker.language != Language::default() {
        page.text("language", language_name(worker.language));
    }
    if worker.role != WorkerRole::default() {
        page.text("role", "admin");
    }
    page.flag("active", worker.active, true);
    if !worker.stations.is_empty() {
        page.raw("stations", toml::Value::from(worker.stations.clone()));
    }
}

const fn language_name(language: Language) -> &'static str {
    match language {
        Language::He => "he",
        Language::Ru => "ru",
        Language::En => "en",
        Language::Auto => "auto",
    }
}

fn job(page: &mut Page, job: &JobRow) {
    page.row("job");
    page.text("number", &job.number);
    page.optional("customer", job.customer.as_deref());
    page.optional("description", job.description.as_deref());
    if let Some(quantity) = job.quantity {
        page.raw("quantity", quantity);
    }
}

fn reason(page: &mut Page, reason: &ReasonRow) {
    page.row("reason");
    if reason.id != reason_id(reason.kind, &reason.labels.he) {
        page.text("id", &reason.id.to_string());
    }
    page.text("type", reason.kind.as_str());
    page.labels(&reason.labels);
    page.flag("active", reason.active, true);
}

fn status(page: &mut Page, status: &StatusRow) {
    page.row("status");
    page.text("code", status.code.as_str());
    page.labels(&status.labels);
    page.text("color", &status.color);
    page.text("class", status.class.as_str());
    page.optional("station", status.station.as_deref());
    page.flag("requires_reason", status.requires_reason, false);
    page.flag("active", status.active, true);
}
