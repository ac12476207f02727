//! The documents in `schemas/` are those of the types, and real messages fit them.
//!
//! When a type has changed: run this test with `ANDON_WRITE_SCHEMAS=1` and look at the difference.

#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

use std::{collections::BTreeMap, path::PathBuf};

use bus_schemas::schema::{self, MESSAGES};
use serde_json::{Value, json};

#[path = "golden/catalogue.rs"]
#[allow(dead_code, reason = "shared with golden.rs")]
mod catalogue;
#[path = "golden/examples.rs"]
#[allow(dead_code, reason = "shared with golden.rs")]
mod examples;
#[path = "golden/kinds.rs"]
#[allow(dead_code, reason = "shared with golden.rs")]
mod kinds;
#[path = "golden/records.rs"]
#[allow(dead_code, reason = "shared with golden.rs")]
mod records;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas"))
}

fn checked_in() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(folder()).expect("schemas/ is there");
    let paths = files.map(|file| file.expect("a file").path());
    let json = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    json.map(|path| {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, serde_json::from_str(&text).expect("JSON"))
    })
    .collect()
}

/// Keys in order, whatever the map underneath keeps.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_documents_are_those_of_the_types() {
    let documents = schema::documents();
    if std::env::var_os("ANDON_WRITE_SCHEMAS").is_some() {
        std::fs::create_dir_all(folder()).expect("schemas/ is there");
        for (name, document) in &documents {
            let text = serde_json::to_string_pretty(&sorted(document)).expect("JSON");
            std::fs::write(folder().join(name), text + "\n").expect("it can be written");
        }
        panic!("schemas/ was written: look at the difference, then run the test without ANDON_WRITE_SCHEMAS");
    }
    let checked_in = checked_in();
    for (name, document) in &documents {
        let same = checked_in.get(name) == Some(document);
        assert!(same, "schemas/{name} is not what the types say: run this test with ANDON_WRITE_SCHEMAS=1 once");
    }
    assert_eq!(checked_in.len(), documents.len(), "schemas/ holds a document of nothing");
}

/// The file that describes an example of this type.
fn file_of(type_name: &str) -> Option<&'static str> {
    let last = type_name.rsplit("::").next()?;
    MESSAGES.iter().find(|message| message.type_name == last).map(|message| message.name)
}

#[test]
fn every_example_fits_its_schema_and_a_broken_one_does_not() {
    let validators: BTreeMap<_, _> = MESSAGES
        .iter()
        .map(|message| (message.name, jsonschema::validator_for(&message.schema()).expect("a schema")))
        .collect();
    let mut fitted = BTreeMap::new();
    for example in catalogue::all() {
        // Words and states travel inside messages only.
        let Some(file) = file_of(example.type_name) else { continue };
        let rendered = schema::render(&example.bytes).expect("MessagePack");
        let problems: Vec<_> = validators[file].iter_errors(&rendered).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{}: {problems:?}\n{rendered}", example.name);
        *fitted.entry(file).or_insert(0) += 1;
        // A field of a newer version changes nothing; a known one of another type does.
        let Value::Object(fields) = &rendered else { continue };
        let mut newer = rendered.clone();
        newer["field_of_a_newer_version"] = json!(1);
        assert!(fields.len() == 1 || validators[file].is_valid(&newer), "{}: newer fields are refused", example.name);
        for name in fields.keys() {
            let mut broken = rendered.clone();
            broken[name] = json!([[]]);
            assert!(!validators[file].is_valid(&broken), "{}: any {name} fits", example.name);
        }
    }
    assert_eq!(fitted.len(), MESSAGES.len(), "a message without an example: {fitted:?}");
}

#[test]
fn every_field_says_what_it_is() {
    fn undocumented(place: &str, schema: &Value, found: &mut Vec<String>) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            // A map with one entry stands for a variant: the variant is described, not its tag.
            let is_tag = properties.len() == 1 && schema.get("description").is_some();
            for (name, field) in properties {
                if field.get("description").is_none() && !is_tag {
                    found.push(format!("{place}.{name}"));
                }
            }
        }
        let inner: Vec<(String, &Value)> = match schema {
            Value::Object(fields) => fields.iter().map(|(name, value)| (format!("{place}/{name}"), value)).collect(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(at, value)| (format!("{place}/{at}"), value)).collect()
            }
            _ => return,
        };
        for (place, value) in inner {
            undocumented(&place, value, found);
        }
    }
    for message in MESSAGES {
        let mut found = Vec::new();
        undocumented(message.name, &message.schema(), &mut found);
        assert!(found.is_empty(), "fields without a doc comment: {found:#?}");
    }
}

#[test]
fn every_reference_of_the_asyncapi_document_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = schema::asyncapi();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "only {} references", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("inside the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}
