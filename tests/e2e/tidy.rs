//! The house rules that a compiler cannot hold: what has one home, and what every source file has.

mod rules;
mod sources;

use rules::{Breach, FILE_RULES, ONE_HOME};
use sources::{Source, all};

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
