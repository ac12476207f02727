//! The house rules that a compiler cannot hold: what has one home, and what every source file has.

mod faults;
mod rules;
mod sources;

use rules::{Breach, FILE_RULES, ONE_HOME};
use sources::{Source, all};

/// Fault 33: clocks are put forward and back twice a year.
#[test]
fn what_has_one_home_is_used_nowhere_else() {
    let sources = all();
    assert!(sources.len() > 100, "only {} source files were found", sources.len());
    let breaches: Vec<Breach> =
        ONE_HOME.iter().flat_map(|rule| sources.iter().flat_map(|source| rule.breaches(source))).collect();
    assert!(breaches.is_empty(), "{}", told(&breaches));
}

#[test]
fn every_file_keeps_the_rules_of_files() {
    let sources = all();
    let breaches: Vec<Breach> =
        FILE_RULES.iter().flat_map(|rule| sources.iter().filter_map(|source| rule.breach(source))).collect();
    assert!(breaches.is_empty(), "{}", told(&breaches));
}

#[test]
fn each_fault_that_reliability_speaks_of_has_a_test_and_names_it() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md");
    let document = std::fs::read_to_string(document).expect("it is there");
    let breaches = faults::breaches(&all(), &document);
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn a_fault_without_a_test_or_with_another_or_an_ignored_one_is_seen() {
    let test = |number: u8, attribute: &str| {
        format!("/// Fault {number}: it fails.\n{attribute}\nasync fn test_{number}() {{\n}}\n")
    };
    let every = |except: u8| (1..=faults::FAULTS).filter(move |number| *number != except);
    let table: String =
        every(0).map(|number| format!("| {number} | it fails | so | this holds | `test_{number}` |\n")).collect();
    let whole: String = every(0).map(|number| test(number, "#[tokio::test(flavor = \"multi_thread\")]")).collect();
    let breaches = |sources: &str, table: &str| faults::breaches(&[Source::new("tests/sample.rs", sources)], table);
    assert_eq!(breaches(&whole, &table), [""; 0]);

    let lacking: String = every(7).map(|number| test(number, "#[test]")).collect();
    assert_eq!(breaches(&lacking, &table).len(), 2, "no test, and a name of nothing");
    assert_eq!(breaches(&(lacking.clone() + &test(7, "#[test]\n#[ignore]")), &table), ["test_7 of fault 7 is ignored"]);
    assert_eq!(breaches(&(lacking.clone() + &test(7, "")), &table).len(), 2, "a function that is no test");
    assert_eq!(breaches(&whole, &table.replace("`test_7`", "")), ["fault 7 does not name its test test_7"]);
    assert_eq!(breaches(&(whole + &test(36, "#[test]")), &table), ["there is no fault 36"]);
}

#[test]
fn each_rule_about_homes_sees_a_breach_of_it_and_leaves_the_home_alone() {
    for rule in ONE_HOME {
        for word in rule.words {
            let text = format!("//! A sample.\nfn sample() {{ {word} }}\n");
            let stranger = Source::new(rule.stranger, &text);
            assert_eq!(rule.breaches(&stranger).len(), 1, "{}: {word} was not seen", rule.what);
            if let Some(home) = rule.homes.first() {
                let at_home = Source::new(&home.replace('*', "sample.rs"), &text);
                assert!(rule.breaches(&at_home).is_empty(), "{}: {word} was refused at home", rule.what);
            }
            let comment = Source::new(rule.stranger, &format!("//! Speaks of {word} only.\n"));
            assert!(rule.breaches(&comment).is_empty(), "{}: a comment was taken for code", rule.what);
        }
    }
}

#[test]
fn each_rule_about_files_sees_a_breach_of_it() {
    let long = format!("//! A sample.\n{}", "fn sample() {}\n".repeat(rules::LINES_MAX));
    let breaching = [
        ("engine/src/sample.rs", "fn sample() {}\n"),
        ("engine/src/sample/mod.rs", "//! A sample.\n"),
        ("src/a.rs", &long),
    ];
    assert_eq!(breaching.len(), FILE_RULES.len());
    for (rule, (path, text)) in FILE_RULES.iter().zip(breaching) {
        assert!(rule.breach(&Source::new(path, text)).is_some(), "{} was not seen", rule.what);
        assert!(rule.breach(&Source::new("engine/src/fine.rs", "//! A sample.\n")).is_none(), "{}", rule.what);
    }
}

fn told(breaches: &[Breach]) -> String {
    breaches.iter().map(|Breach { place, rule }| format!("\n{place}: {rule}")).collect()
}
