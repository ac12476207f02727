//! The faults of docs/reliability.md and the tests that provoke them: each fault has a test, each named test is there and
//! runs.
//!
//! A test says which fault it provokes in a line of its documentation: `/// Fault 11: the leader of the log freezes.`

use std::collections::{BTreeMap, BTreeSet};

use super::sources::Source;

/// How many there are.
pub const FAULTS: u8 = 35;
/// How a test's line begins.
const LINE: &str = "/// Fault ";

/// A test, as its source has it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Carrier {
    /// Its name.
    pub name: String,
    /// Whether it is left out when tests are run.
    pub ignored: bool,
}

/// The tests of each fault.
pub fn carried(sources: &[Source]) -> BTreeMap<u8, BTreeSet<Carrier>> {
    let mut carried: BTreeMap<u8, BTreeSet<Carrier>> = BTreeMap::new();
    for source in sources {
        let (mut numbers, mut attributes) = (Vec::new(), Vec::new());
        for line in source.text.lines().map(str::trim) {
            if line.starts_with("///") {
                numbers.extend(number(line));
            } else if line.starts_with("#[") {
                attributes.push(line);
            } else {
                let is_test =
                    attributes.iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"));
                let ignored = attributes.iter().any(|line| line.starts_with("#[ignore"));
                if let Some(name) = name(line).filter(|_| is_test) {
                    for number in &numbers {
                        let carrier = Carrier { name: name.to_owned(), ignored };
                        carried.entry(*number).or_default().insert(carrier);
                    }
                }
                (numbers, attributes) = (Vec::new(), Vec::new());
            }
        }
    }
    carried
}

fn number(line: &str) -> Option<u8> {
    line.strip_prefix(LINE)?.split_once(": ")?.0.parse().ok()
}

fn name(line: &str) -> Option<&str> {
    line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?.split(['(', '<']).next()
}

/// The tests that the table names for each fault: its rows begin with the number and end with the names in backticks.
pub fn named(document: &str) -> BTreeMap<u8, BTreeSet<String>> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    let named = |cells: Vec<&str>| {
        let names = cells.last()?.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Some((cells.first()?.parse().ok()?, names))
    };
    cells.filter_map(named).collect()
}

/// What is not as it must be.
pub fn breaches(sources: &[Source], document: &str) -> Vec<String> {
    let (carried, named) = (carried(sources), named(document));
    let mut breaches = Vec::new();
    let (none, unnamed) = (BTreeSet::new(), BTreeSet::new());
    for number in 1..=FAULTS {
        let (tests, names) = (carried.get(&number).unwrap_or(&none), named.get(&number).unwrap_or(&unnamed));
        if tests.is_empty() {
            breaches.push(format!("no test provokes fault {number}"));
        }
        let ignored = tests.iter().filter(|test| test.ignored);
        breaches.extend(ignored.map(|test| format!("{} of fault {number} is ignored", test.name)));
        let tests: BTreeSet<_> = tests.iter().map(|test| test.name.clone()).collect();
        breaches.extend(
            names.difference(&tests).map(|name| format!("fault {number} names {name}, which is none of its tests")),
        );
        breaches.extend(tests.difference(names).map(|name| format!("fault {number} does not name its test {name}")));
    }
    let strange = carried.keys().chain(named.keys()).filter(|number| !(1..=FAULTS).contains(*number));
    breaches.extend(strange.map(|number| format!("there is no fault {number}")));
    breaches
}
