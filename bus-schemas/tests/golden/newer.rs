//! Messages of newer versions: fields that this one does not know, and a newer major version.

use bus_schemas::codec::CodecError;
use rmpv::Value;

use crate::{catalogue, kinds::TAGS};

/// A field of a newer version.
const FIELD: &str = "zz_future";

fn parse(bytes: &[u8]) -> Value {
    rmpv::decode::read_value(&mut &bytes[..]).expect("MessagePack")
}

fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).expect("it encodes");
    bytes
}

/// A map with one entry that carries a variant: it takes no field.
fn is_tag(entries: &[(Value, Value)]) -> bool {
    matches!(entries, [(key, _)] if key.as_str().is_some_and(|key| TAGS.contains(&key)))
}

/// Adds the field to every map, and gives the places.
fn inject(value: &mut Value, at: &str, places: &mut Vec<String>) {
    match value {
        Value::Map(entries) => {
            for (key, value) in entries.iter_mut() {
                inject(value, &format!("{at}.{}", key.as_str().unwrap_or("?")), places);
            }
            if !is_tag(entries) {
                let future =
                    Value::Map(vec![(Value::from(1), Value::Binary(vec![2; 3])), (Value::Nil, Value::from(-4))]);
                entries.push((FIELD.into(), future));
                places.push(at.to_owned());
            }
        }
        Value::Array(values) => {
            values.iter_mut().enumerate().for_each(|(index, value)| inject(value, &format!("{at}[{index}]"), places));
        }
        _ => {}
    }
}

/// Takes the field out of every map, and gives the places.
fn extract(value: &mut Value, at: &str, places: &mut Vec<String>) {
    match value {
        Value::Map(entries) => {
            for (key, value) in entries.iter_mut() {
                extract(value, &format!("{at}.{}", key.as_str().unwrap_or("?")), places);
            }
            let before = entries.len();
            entries.retain(|(key, _)| key.as_str() != Some(FIELD));
            if entries.len() < before {
                places.push(at.to_owned());
            }
        }
        Value::Array(values) => {
            values.iter_mut().enumerate().for_each(|(index, value)| extract(value, &format!("{at}[{index}]"), places));
        }
        _ => {}
    }
}

/// Whether the map at this place is written again by this version, as a record or a state that it edits: then the
/// field must survive. Others are read only.
fn is_kept(name: &str, place: &str) -> bool {
    let stateful = place.is_empty()
        || place.ends_with(".session")
        || place.ends_with(".previous")
        || place.ends_with(".names")
        || place.ends_with(".open")
        || place.ends_with(".interval")
        || place.ends_with(".state")
        || place.starts_with(".ended[");
    match name.split_once('/').map_or(name, |(kind, _)| kind) {
        "event" | "state" | "claim" | "remove" => stateful,
        // The answer is read only; the session in it is a state.
        "reply" => stateful && !place.is_empty(),
        "audit" => place.is_empty() || place == ".change.audit",
        "put" | "import" => {
            let part = place.contains("_checklist[") || place.contains(".assignments[");
            !part && (place.is_empty() || place.starts_with(".change.put.") || place.contains(".records["))
        }
        _ => false,
    }
}

/// Fault 20: fields that this release does not know.
#[test]
fn fields_of_a_newer_minor_version_are_ignored_and_those_of_states_and_records_written_again() {
    for example in catalogue::all() {
        let name = &example.name;
        let golden = parse(&example.bytes);
        let mut newer = golden.clone();
        let mut injected = Vec::new();
        inject(&mut newer, "", &mut injected);
        let rewritten = (example.rewrite_versioned)("1.7", &write(&newer))
            .unwrap_or_else(|error| panic!("{name} with fields of a newer version must be read: {error}"));
        let mut rewritten = parse(&rewritten);
        let mut kept = Vec::new();
        extract(&mut rewritten, "", &mut kept);
        assert_eq!(rewritten, golden, "{name}: what is known must be read as it is");
        injected.retain(|place| is_kept(name, place));
        injected.sort();
        kept.sort();
        assert_eq!(kept, injected, "{name}: places where a newer version's field must survive");
    }
}

#[test]
fn a_newer_major_version_of_any_message_is_refused_by_name() {
    for example in catalogue::all() {
        let refused = (example.rewrite_versioned)("2.0", &example.bytes).expect_err("a refusal");
        assert!(matches!(&refused, CodecError::Newer { theirs } if theirs == "2.0"), "{}: {refused}", example.name);
        assert!(refused.to_string().contains("schema 2.0"), "{refused}");
        let same = (example.rewrite_versioned)("1.0", &example.bytes).expect("it is of this version");
        assert_eq!(same, example.bytes, "{}", example.name);
    }
}
