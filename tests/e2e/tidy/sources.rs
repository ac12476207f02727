//! The source files of this repository.

use std::path::{Path, PathBuf};

/// Where sources lie, below the root of the repository.
const ROOTS: [&str; 8] = ["bus-schemas", "nats", "engine", "persistence", "gateway", "model", "src", "tests"];

/// One Rust file.
pub struct Source {
    /// Relative to the root of the repository, with forward slashes.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// A file with this text.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The lines that hold code, numbered from 1. Comments may speak of everything.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Every Rust file of every package.
pub fn all() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for root in ROOTS {
        gather(&top.join(root), &mut paths);
    }
    let source = |path: PathBuf| Source {
        text: std::fs::read_to_string(&path).expect("a readable source file"),
        path: path.strip_prefix(top).expect("below the root").display().to_string(),
    };
    paths.into_iter().map(source).collect()
}

fn gather(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            gather(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}
