//! The rules, as data.

use super::sources::Source;

/// Past this many lines a file holds a second noun.
pub const LINES_MAX: usize = 400;

/// A rule that is not kept.
#[derive(Debug)]
pub struct Breach {
    /// File, and line where there is one.
    pub place: String,
    /// What is not kept.
    pub rule: &'static str,
}

/// Words that may stand in one place only.
pub struct OneHome {
    /// The rule in words.
    pub what: &'static str,
    /// The words.
    pub words: &'static [&'static str],
    /// Where the rule holds: beginnings of paths.
    pub scope: &'static [&'static str],
    /// Where the words are at home: patterns with at most one `*`, which stands for anything.
    pub homes: &'static [&'static str],
    /// Some path where the rule holds, for its own test.
    pub stranger: &'static str,
}

const EVERYWHERE: &[&str] = &[""];

/// The rules about homes. Tests beside the code are bound by them as well; those that look at a package from outside,
/// in `tests/`, are not: they spell things out so as not to trust what they test.
pub const ONE_HOME: &[OneHome] = &[
    OneHome {
        what: "subjects are made in bus-schemas/src/subject.rs alone",
        words: &["\"andon.v1"],
        scope: EVERYWHERE,
        homes: &["bus-schemas/src/subject.rs"],
        stranger: "engine/src/sample.rs",
    },
    OneHome {
        what: "MessagePack is spoken in bus-schemas/src/codec.rs alone",
        words: &["rmp_serde"],
        scope: EVERYWHERE,
        homes: &["bus-schemas/src/codec.rs"],
        stranger: "engine/src/sample.rs",
    },
    OneHome {
        what: "SQL is spoken in persistence alone",
        words: &["sqlx"],
        scope: EVERYWHERE,
        homes: &["persistence/*"],
        stranger: "gateway/src/sample.rs",
    },
    OneHome {
        what: "HTTP statuses are chosen in gateway/src/error.rs alone",
        words: &["StatusCode::"],
        scope: &["gateway/src/", "src/"],
        homes: &["gateway/src/error.rs"],
        stranger: "gateway/src/routes/sample.rs",
    },
    OneHome {
        what: "the wall clock is read in files named clock.rs alone",
        words: &["SystemTime::now", "Utc::now", "Local::now"],
        scope: EVERYWHERE,
        homes: &["*/clock.rs"],
        stranger: "engine/src/sample.rs",
    },
    OneHome {
        what: "local time, which an hour may have twice, is read nowhere",
        words: &["chrono::Local", "Local::now", "Local.from", "Local.timestamp"],
        scope: EVERYWHERE,
        homes: &[],
        stranger: "engine/src/sample.rs",
    },
    OneHome {
        what: "the core of the engine knows no I/O, no clock and no randomness",
        words: &[
            "async ",
            ".await",
            "tokio",
            "ractor",
            "async_nats",
            "andon_nats",
            "Instant",
            "rand::",
            "now_v7",
            "new_v4",
        ],
        scope: &["engine/src/session.rs", "engine/src/session/"],
        homes: &[],
        stranger: "engine/src/session/sample.rs",
    },
];

impl OneHome {
    /// Every line of `source` that does not keep the rule.
    pub fn breaches(&self, source: &Source) -> Vec<Breach> {
        let bound = self.scope.iter().any(|scope| source.path.starts_with(scope));
        if !bound || is_integration_test(&source.path) || self.homes.iter().any(|home| fits(home, &source.path)) {
            return Vec::new();
        }
        let breaching = source.code().filter(|(_, line)| self.words.iter().any(|word| line.contains(word)));
        let breach = |(line, _)| Breach { place: format!("{}:{line}", source.path), rule: self.what };
        breaching.map(breach).collect()
    }
}

fn is_integration_test(path: &str) -> bool {
    path.split('/').take(2).any(|directory| directory == "tests")
}

fn fits(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => path.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
        None => path == pattern,
    }
}

/// What every file has or is.
pub struct FileRule {
    /// The rule in words.
    pub what: &'static str,
    kept: fn(&Source) -> bool,
}

/// The rules about files.
pub const FILE_RULES: &[FileRule] = &[
    FileRule { what: "a file starts with //! and says what it owns", kept: |source| source.text.starts_with("//! ") },
    FileRule { what: "a module is foo.rs beside foo/, not mod.rs", kept: |source| !source.path.ends_with("/mod.rs") },
    FileRule { what: "a file has at most 400 lines", kept: |source| source.text.lines().count() <= LINES_MAX },
];

impl FileRule {
    /// Whether `source` does not keep the rule.
    pub fn breach(&self, source: &Source) -> Option<Breach> {
        (!(self.kept)(source)).then(|| Breach { place: source.path.clone(), rule: self.what })
    }
}
