//! The libraries of the pages are the files that `VENDOR.toml` names, unchanged.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendored {
    imports: BTreeMap<String, String>,
    file: Vec<File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    file: String,
    package: String,
    version: String,
    upstream: String,
    upstream_sha256: String,
    sha256: String,
}

fn vendor() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web/vendor"))
}

fn vendored() -> Vendored {
    toml::from_str(&std::fs::read_to_string(vendor().join("VENDOR.toml")).unwrap()).unwrap()
}

fn files_below(directory: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, into);
        } else {
            into.insert(path.strip_prefix(vendor()).unwrap().display().to_string());
        }
    }
}

#[test]
fn every_library_is_the_file_that_was_taken() {
    let named = vendored().file;
    for row in &named {
        let text = std::fs::read(vendor().join(&row.file)).unwrap();
        assert_eq!(sha256(&text), row.sha256, "{} is not the file of {} {}", row.file, row.package, row.version);
        let changed = row.sha256 != row.upstream_sha256;
        assert!(!changed || row.file.ends_with(".js"), "{} of {} was changed", row.file, row.upstream);
    }
    let mut there = BTreeSet::new();
    files_below(vendor(), &mut there);
    there.remove("VENDOR.toml");
    assert_eq!(there, named.iter().map(|row| row.file.clone()).collect(), "each file has its row");
}

#[test]
fn every_library_has_its_licence_and_imports_only_what_is_here() {
    let Vendored { imports, file } = vendored();
    for row in &file {
        let licensed = |other: &File| other.package == row.package && other.file.starts_with("licences/");
        assert!(file.iter().any(|other| licensed(other) && other.version == row.version), "{}", row.package);
        if !row.file.ends_with(".js") {
            continue;
        }
        let text = std::fs::read_to_string(vendor().join(&row.file)).unwrap();
        for name in imports.keys() {
            assert!(!text.contains(&format!("from\"{name}\"")), "{} imports {name} by its bare name", row.file);
        }
        assert!(!text.contains("sourceMappingURL"), "{} names a source map that is not here", row.file);
    }
    for path in imports.values() {
        assert!(vendor().join(path).is_file(), "{path}");
    }
}

/// SHA-256 in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
