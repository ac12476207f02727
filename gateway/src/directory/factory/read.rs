//! Reads a factory file. Nothing is taken when anything is wrong.

use std::{collections::HashMap, ops::Range};

use toml::de::DeTable;

use bus_schemas::{ids::StationId, text::job_number};

use super::{
    BadRow, Factory, ItemRow, JobRow, Labels, ReasonRow, Row, StationRow, StatusRow, WorkerRow,
    lines::{Fields, Page},
    reason_id, station_id, worker_id,
};

/// What may stand at the top.
const SECTIONS: [&str; 5] = ["station", "worker", "job", "reason", "status"];
const STATION_TYPES: &str = "prepress, digital_press, offset, folding, cutting, binding, shrink, lamination, other";

type Place<'t, 'i> = (&'t DeTable<'i>, Range<usize>);

/// Reads a factory file.
///
/// # Errors
/// Every bad row, by line.
pub fn read(text: &str) -> Result<Factory, Vec<BadRow>> {
    let mut page = Page::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        page.bad(&error.span().unwrap_or(0..0), error.message());
    }
    // What follows a syntax error may be read as something else: rows are only judged in a file that is TOML.
    if !page.problems.is_empty() {
        return Err(sorted(page.problems));
    }
    let table = table.get_ref();
    for (key, _) in table.iter() {
        if !SECTIONS.contains(&key.get_ref().as_ref()) {
            page.bad(
                &key.span(),
                format!("{:?} is not known; known are [[{}]]", key.get_ref(), SECTIONS.join("]], [[")),
            );
        }
    }
    let factory = Factory {
        stations: rows(&mut page, table, "station", station),
        workers: rows(&mut page, table, "worker", worker),
        jobs: rows(&mut page, table, "job", job),
        reasons: rows(&mut page, table, "reason", reason),
        statuses: rows(&mut page, table, "status", status),
    };
    doubles(&mut page, &factory);
    if page.problems.is_empty() { Ok(factory) } else { Err(sorted(page.problems)) }
}

fn sorted(mut problems: Vec<BadRow>) -> Vec<BadRow> {
    problems.sort_by_key(|problem| problem.line);
    problems.dedup();
    problems
}

fn rows<T>(
    page: &mut Page,
    table: &DeTable<'_>,
    name: &str,
    read: impl Fn(&mut Page, Place<'_, '_>) -> Option<T>,
) -> Vec<Row<T>> {
    let places = page.rows(table, name);
    places
        .into_iter()
        .filter_map(|(row, span)| {
            let line = page.line(span.start);
            read(page, (row, span)).map(|row| Row { line, row })
        })
        .collect()
}

fn station(page: &mut Page, (table, span): Place<'_, '_>) -> Option<StationRow> {
    let mut fields = Fields::new(page, table, span);
    let id: Option<uuid::Uuid> = fields.parsed("id");
    let code = fields.needed_text("code");
    let name = fields.needed_text("name");
    let station_type = fields.one_of("type", STATION_TYPES, None);
    let active = fields.flag("active", true);
    let start = checklist(&mut fields, "start");
    let end = checklist(&mut fields, "end");
    fields.end();
    let code = code?;
    Some(StationRow {
        id: id.map_or_else(|| station_id(&code), StationId),
        code,
        name: name?,
        station_type: station_type?,
        active,
        start,
        end,
    })
}

fn checklist(fields: &mut Fields<'_, '_, '_>, key: &'static str) -> Vec<ItemRow> {
    let places = fields.rows(key);
    places.into_iter().filter_map(|place| item(fields.page(), place)).collect()
}

fn item(page: &mut Page, (table, span): Place<'_, '_>) -> Option<ItemRow> {
    let mut fields = Fields::new(page, table, span);
    let id = fields.needed_text("id");
    let labels = labels(&mut fields);
    let required = fields.flag("required", true);
    fields.end();
    Some(ItemRow { id: id?, labels: labels?, required })
}

fn labels(fields: &mut Fields<'_, '_, '_>) -> Option<Labels> {
    // All three are asked for before any is given up: each missing one is reported.
    let (he, ru, en) = (fields.needed_text("he"), fields.needed_text("ru"), fields.needed_text("en"));
    Some(Labels { he: he?, ru: ru?, en: en? })
}

fn worker(page: &mut Page, (table, span): Place<'_, '_>) -> Option<WorkerRow> {
    let mut fields = Fields::new(page, table, span);
    let id: Option<uuid::Uuid> = fields.parsed("id");
    let code = fields.text("code");
    let name = fields.needed_text("name");
    let language = fields.one_of("language", "he, ru, en, auto", Some(Default::default()));
    let role = fields.one_of("role", "worker, admin", Some(Default::default()));
    let active = fields.flag("active", true);
    let stations = fields.texts("stations");
    if id.is_none() && code.is_none() {
        fields.bad("code", "a worker needs a code, or an id");
    }
    fields.end();
    let id = id.map(bus_schemas::WorkerId).or_else(|| code.as_deref().map(worker_id));
    Some(WorkerRow { id: id?, code, name: name?, language: language?, role: role?, active, stations })
}

fn job(page: &mut Page, (table, span): Place<'_, '_>) -> Option<JobRow> {
    let mut fields = Fields::new(page, table, span);
    let number = fields.needed_text("number").and_then(|text| match job_number(&text) {
        Ok(normal) => Some(normal),
        Err(error) => {
            fields.bad("number", format!("number: {error}"));
            None
        }
    });
    let (customer, description) = (fields.text("customer"), fields.text("description"));
    let quantity = fields.whole("quantity");
    fields.end();
    Some(JobRow { number: number?, customer, description, quantity })
}

fn reason(page: &mut Page, (table, span): Place<'_, '_>) -> Option<ReasonRow> {
    let mut fields = Fields::new(page, table, span);
    let id: Option<uuid::Uuid> = fields.parsed("id");
    let kind = fields.one_of("type", "stop, scrap", None);
    let labels = labels(&mut fields);
    let active = fields.flag("active", true);
    fields.end();
    let (kind, labels) = (kind?, labels?);
    let id = id.map_or_else(|| reason_id(kind, &labels.he), bus_schemas::ReasonId);
    Some(ReasonRow { id, kind, labels, active })
}

fn status(page: &mut Page, (table, span): Place<'_, '_>) -> Option<StatusRow> {
    let mut fields = Fields::new(page, table, span);
    let code = match fields.needed_text("code") {
        Some(_) => fields.parsed("code"),
        None => None,
    };
    let labels = labels(&mut fields);
    let color = fields.needed_text("color");
    let class = fields.one_of("class", "production, setup, stoppage", None);
    let station = fields.text("station");
    let requires_reason = fields.flag("requires_reason", false);
    let active = fields.flag("active", true);
    fields.end();
    Some(StatusRow { code: code?, labels: labels?, color: color?, class: class?, station, requires_reason, active })
}

/// Rows that say twice what may be said once; what the directory itself holds is checked at the import.
fn doubles(page: &mut Page, factory: &Factory) {
    fn once<'a>(page: &mut Page, what: &str, names: impl Iterator<Item = (usize, String)> + 'a) {
        let mut first: HashMap<String, usize> = HashMap::new();
        for (line, name) in names {
            if let Some(first) = first.get(&name) {
                let problem = format!("{what} {name} stands already on line {first}");
                page.problems.push(BadRow { line, problem });
            } else {
                first.insert(name, line);
            }
        }
    }
    once(page, "station code", factory.stations.iter().map(|row| (row.line, row.row.code.clone())));
    once(page, "station id", factory.stations.iter().map(|row| (row.line, row.row.id.to_string())));
    let codes = factory.workers.iter().filter_map(|row| Some((row.line, row.row.code.clone()?)));
    once(page, "worker code", codes);
    once(page, "worker id", factory.workers.iter().map(|row| (row.line, row.row.id.to_string())));
    once(page, "job", factory.jobs.iter().map(|row| (row.line, row.row.number.clone())));
    once(page, "reason", factory.reasons.iter().map(|row| (row.line, row.row.id.to_string())));
    once(page, "status", factory.statuses.iter().map(|row| (row.line, row.row.code.to_string())));
}
