//! Tests of the factory file: bad rows by line, and the way there and back.

use bus_schemas::{
    TimeUs,
    directory::{Change, Directory},
};
use proptest::prelude::*;

use super::*;
use crate::directory::{check, demo_factory, export, plan};

fn imported(text: &str) -> Directory {
    let factory = read(text).unwrap();
    let records = plan(&Directory::default(), &factory, TimeUs::from_micros(5)).unwrap().records;
    check::after(&Directory::default(), Change::Import { id: Uuid::nil(), records })
}

fn lines(text: &str) -> Vec<usize> {
    let bad = match read(text) {
        Ok(factory) => plan(&Directory::default(), &factory, TimeUs::default()).unwrap_err(),
        Err(bad) => bad,
    };
    bad.into_iter().map(|row| row.line).collect()
}

#[test]
fn the_demo_factory_is_a_factory() {
    let directory = imported(demo_factory());
    assert!(directory.workers().count() >= 12);
    assert!(directory.stations().count() >= 9);
    assert!(directory.jobs().count() >= 15);
    for code in 1_001..=1_012 {
        let worker = directory.worker_by_code(&code.to_string()).unwrap();
        assert!(!worker.record.assignments.is_empty(), "{code}");
    }
    let types: std::collections::HashSet<_> = directory.stations().map(|stored| stored.record.station_type).collect();
    assert!(types.len() >= 8, "stations of different types");
    let without = directory.stations().filter(|stored| stored.record.start_checklist.is_empty()).count();
    assert_eq!(without, 1, "one station without checklists");
    assert!(directory.jobs().all(|stored| stored.record.planned_quantity.is_some()));
}

#[test]
fn importing_the_same_file_again_changes_nothing() {
    let directory = imported(demo_factory());
    let again = plan(&directory, &read(demo_factory()).unwrap(), TimeUs::from_micros(9)).unwrap();
    assert_eq!(again.keys().collect::<Vec<_>>(), []);
    assert!(again.unchanged > 40);
}

#[test]
fn an_export_gives_the_factory_back() {
    let directory = imported(demo_factory());
    let text = export(&directory);
    assert!(!text.contains("\nid = \"0") && !text.contains("-5"), "derived ids are left out");
    assert_eq!(export(&imported(&text)), text);
    let again = plan(&directory, &read(&text).unwrap(), TimeUs::from_micros(9)).unwrap();
    assert_eq!(again.records, []);
}

#[test]
fn a_code_that_is_there_already_keeps_its_record() {
    let text = "[[worker]]\ncode = \"1001\"\nname = \"Noa\"\n";
    let with_id = "[[worker]]\nid = \"0190a5c0-0000-7000-8000-000000000001\"\ncode = \"1001\"\nname = \"Old\"\n";
    let directory = imported(with_id);
    let import = plan(&directory, &read(text).unwrap(), TimeUs::from_micros(9)).unwrap();
    let renamed = check::after(&directory, Change::Import { id: Uuid::nil(), records: import.records });
    assert_eq!(renamed.workers().count(), 1);
    assert_eq!(&*renamed.worker_by_code("1001").unwrap().record.full_name, "Noa");
}

#[test]
fn every_bad_row_is_reported_with_its_line() {
    let text = r##"
[[station]]
code = "A"
name = "Press"
type = "steam"

[[station]]
code = "B"
type = "offset"
colour = "red"
[[station.start]]
id = "x"
he = "x"

[[worker]]
code = 1001
name = "Noa"

[[worker]]
code = "7"
name = "A"
active = "yes"

[[job]]
number = "J"
quantity = 1.5

[[robot]]
name = "R"
"##;
    // The type; no name, an unknown key, two labels; the code, and with it none; the flag; the quantity; the section.
    assert_eq!(lines(text), [5, 7, 10, 11, 11, 16, 16, 22, 26, 28]);
}

#[test]
fn doubles_and_missing_references_are_reported_with_their_line() {
    let text =
        "[[station]]\ncode=\"A\"\nname=\"N\"\ntype=\"other\"\n[[station]]\ncode=\"A\"\nname=\"M\"\ntype=\"other\"\n";
    assert!(lines(text).contains(&5));
    let text =
        "[[worker]]\ncode=\"1\"\nname=\"N\"\nstations=[\"nowhere\"]\n[[worker]]\ncode=\"2\"\nname=\"N\\u0000\"\n";
    assert_eq!(lines(text), [1, 5]);
}

#[test]
fn what_is_no_toml_is_reported_with_its_line() {
    assert_eq!(lines("[[worker]]\nname = \"open\ncode = 1\n")[0], 2);
    assert_eq!(lines("\u{0}")[0], 1);
}

fn text() -> impl Strategy<Value = String> {
    "[a-zא-ת\"'\\\\#=]{1,12}".prop_map(|text| text)
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\PC|\\n|\\[\\[worker\\]\\]|\\[\\[station.start\\]\\]|code = |\"){0,80}") {
        if let Ok(factory) = read(&text) {
            let _ = plan(&Directory::default(), &factory, TimeUs::default());
        }
    }

    #[test]
    fn what_is_written_reads_back_the_same(names in prop::collection::hash_set(text(), 1..6), quantity in 0..1_000_000_i64) {
        let mut factory = Factory::default();
        for name in names {
            let labels = Labels { he: name.clone(), ru: name.clone(), en: name.clone() };
            factory.stations.push(Row { line: 0, row: StationRow {
                id: station_id(&name), code: name.clone(), name: name.clone(), station_type: StationType::Other,
                active: quantity % 2 == 0,
                start: vec![ItemRow { id: "1".into(), labels: labels.clone(), required: false }], end: vec![],
            }});
            factory.workers.push(Row { line: 0, row: WorkerRow {
                id: WorkerId(Uuid::from_u128(quantity as u128)), code: Some(name.clone()), name: name.clone(),
                language: Language::Ru, role: WorkerRole::Admin, active: true, stations: vec![name.clone()],
            }});
            factory.jobs.push(Row { line: 0, row: JobRow {
                number: name.clone(), customer: Some(name.clone()), description: None, quantity: Some(quantity),
            }});
            factory.reasons.push(Row { line: 0, row: ReasonRow {
                id: reason_id(ReasonType::Scrap, "other"), kind: ReasonType::Stop, labels, active: false,
            }});
            if factory.workers.len() > 1 {
                factory.workers.pop();
                factory.reasons.pop();
            }
        }
        let written = write(&factory);
        prop_assert_eq!(read(&written).map_err(|bad| TestCaseError::fail(format!("{bad:?}\n{written}")))?, factory);
    }
}
