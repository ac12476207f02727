//! Holds the contract: the bytes of one example of every message, that older bytes and newer fields are read, that a
//! newer major version is refused by name, and that no bytes make a reader panic.
//!
//! `golden/v1.txt` has the bytes as hex. Inside `v1` they never change for what they already say. A new message, or a
//! new optional field (with `SCHEMA_MINOR` raised), gets an example; then run this test with `ANDON_WRITE_GOLDEN=1`
//! and look at the difference.

#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

#[path = "golden/catalogue.rs"]
mod catalogue;
#[path = "golden/examples.rs"]
mod examples;
#[path = "golden/hostile.rs"]
mod hostile;
#[path = "golden/kinds.rs"]
mod kinds;
#[path = "golden/newer.rs"]
mod newer;
#[path = "golden/records.rs"]
mod records;

use std::{collections::BTreeMap, collections::BTreeSet, fmt::Write as _};

use catalogue::Example;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1.txt");
/// Bytes a line, so that a change is seen where it is.
const BYTES_A_LINE: usize = 40;

/// The pinned bytes by name.
fn golden() -> BTreeMap<String, Vec<u8>> {
    let text = std::fs::read_to_string(FILE).expect("tests/golden/v1.txt can be read");
    let mut golden: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(hex) = line.strip_prefix("  ") {
            golden.get_mut(&name).expect("a name comes first").extend(unhex(hex));
        } else {
            line.clone_into(&mut name);
            assert!(golden.insert(name.clone(), Vec::new()).is_none(), "{name} stands twice in golden/v1.txt");
        }
    }
    golden
}

fn unhex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex:?} is not whole bytes");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn write_golden(examples: &[Example]) {
    let mut text = "# The bytes of one example of every message of andon.v1, as hex. See ../golden.rs.\n".to_owned();
    for example in examples {
        let _ = write!(text, "\n{}\n", example.name);
        for line in example.bytes.chunks(BYTES_A_LINE) {
            let _ = writeln!(text, "  {}", hex(line));
        }
    }
    std::fs::write(FILE, text).expect("tests/golden/v1.txt can be written");
}

#[test]
fn the_bytes_of_every_message_are_the_pinned_ones() {
    let examples = catalogue::all();
    if std::env::var_os("ANDON_WRITE_GOLDEN").is_some() {
        write_golden(&examples);
        panic!("golden/v1.txt was written: look at the difference, then run the test without ANDON_WRITE_GOLDEN");
    }
    let golden = golden();
    let names: BTreeSet<&String> = examples.iter().map(|example| &example.name).collect();
    assert_eq!(names.len(), examples.len(), "two examples have one name");
    for name in golden.keys() {
        assert!(names.contains(name), "{name} is pinned and has no example any more: messages of v1 never go away");
    }
    for example in &examples {
        let name = &example.name;
        let Some(pinned) = golden.get(name) else {
            panic!("{name} has no pinned bytes: a new message needs ANDON_WRITE_GOLDEN=1 once")
        };
        let at = pinned.iter().zip(&example.bytes).take_while(|(pinned, now)| pinned == now).count();
        assert!(
            *pinned == example.bytes,
            "the bytes of {name} ({}) changed at offset {at}: processes of two versions would not understand each \
             other. Pinned {}… now {}…",
            example.type_name,
            hex(&pinned[at..pinned.len().min(at + 24)]),
            hex(&example.bytes[at..example.bytes.len().min(at + 24)]),
        );
    }
}

/// Fault 20: bytes of an earlier release.
#[test]
fn pinned_bytes_read_as_their_example() {
    let golden = golden();
    for example in catalogue::all() {
        (example.assert_reads)(&golden[&example.name]);
    }
}

#[test]
fn every_variant_has_an_example() {
    fn whole<'a>(names: &'static [&'static str], examples: impl Iterator<Item = &'a str>) {
        assert_eq!(names.iter().copied().collect::<BTreeSet<_>>(), examples.collect::<BTreeSet<_>>());
    }
    whole(kinds::BODIES, examples::bodies().iter().map(kinds::body));
    whole(kinds::REPLIES, examples::replies().iter().map(kinds::reply));
    whole(kinds::EVENTS, examples::events().iter().map(|event| kinds::event(&event.kind)));
    whole(kinds::ACTORS, examples::events().iter().map(|event| kinds::actor(&event.actor)));
    whole(kinds::HEARTBEATS, examples::heartbeats().iter().map(kinds::heartbeat));
    whole(kinds::RECORDS, records::records().iter().map(kinds::record));
    whole(kinds::KEYS, records::keys().iter().map(kinds::key));
    let changes = ["put", "remove", "import", "audit"];
    whole(kinds::CHANGES, changes.into_iter());
    assert_eq!(kinds::change(&records::import()), "import");
    assert_eq!(kinds::change(&records::audit()), "audit");
    assert_eq!(kinds::refusal_codes(), bus_schemas::RefusalCode::ALL);
}

#[test]
fn derived_ids_are_those_of_an_independent_implementation() {
    use bus_schemas::{EventId, JobId, SessionId};
    // By Python's uuid.uuid5. Another derivation would give the same command two events.
    assert_eq!(JobId::of("4711").to_string(), "eb4026f2-5e5d-500c-ad77-c86d6acefce7");
    assert_eq!(JobId::of("caf\u{e9}-7").to_string(), "fdbdb998-3cd2-5aed-89d6-93490ec7d39b");
    let (worker, command, at) = (examples::WORKER, examples::command_id(), examples::at(0));
    for (ordinal, id) in [
        (0, "7534ab92-c06c-5708-9440-ecd08bec0539"),
        (1, "f5606eda-550c-514d-8b04-6d3b7ee75ead"),
        (2, "c416586c-a361-5ccb-91cc-1dd61ca08597"),
    ] {
        assert_eq!(EventId::derive(worker, &command, at, ordinal).to_string(), id);
    }
    let session = SessionId::derive(worker, &command, at).to_string();
    assert_eq!(session, "3a817e5e-1a3e-5049-9a93-429c28c4f7b5");
}
