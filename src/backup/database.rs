//! `pg_dump` and `pg_restore`: what they are told, and what they say when they fail.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use percent_encoding::percent_decode_str;
use tokio::process::Command;
use url::Url;

use crate::servers::tools;

/// How a database is reached: by an address without its password, which would stand in the list of processes.
struct Address {
    url: String,
    password: Option<String>,
}

impl Address {
    fn of(database_url: &str) -> anyhow::Result<Self> {
        let mut url = Url::parse(database_url).context("the database's address cannot be read")?;
        let password = url.password().map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
        let _host_is_there = url.set_password(None);
        Ok(Self { url: url.to_string(), password })
    }
}

/// Postgres' own programs for dumping and loading.
pub struct PgTools(PathBuf);

impl PgTools {
    /// Finds them: in the named directory, among the installed tools, on the PATH.
    ///
    /// # Errors
    /// They are nowhere.
    pub fn find(named: Option<&Path>) -> anyhow::Result<Self> {
        Ok(Self(tools::postgres_tools(named)?))
    }

    /// Dumps what this snapshot of a transaction sees.
    ///
    /// # Errors
    /// What the program said.
    pub async fn dump(&self, database_url: &str, snapshot: &str, file: &Path) -> anyhow::Result<()> {
        let address = Address::of(database_url)?;
        let mut command = self.command("pg_dump", &address);
        command
            .args(["--format=custom", "--no-owner", "--no-privileges", "--no-password"])
            .arg(format!("--snapshot={snapshot}"))
            .arg("--file")
            .arg(file)
            .arg(&address.url);
        run(command, "pg_dump").await
    }

    /// Loads a dump into an empty database: all of it or nothing.
    ///
    /// # Errors
    /// What the program said.
    pub async fn load(&self, database_url: &str, file: &Path) -> anyhow::Result<()> {
        let address = Address::of(database_url)?;
        let mut command = self.command("pg_restore", &address);
        command
            .args(["--no-owner", "--no-privileges", "--no-password", "--exit-on-error", "--single-transaction"])
            .arg(format!("--dbname={}", address.url))
            .arg(file);
        run(command, "pg_restore").await
    }

    /// Without the `PG…` variables of whoever started andon: the address says everything.
    fn command(&self, program: &str, address: &Address) -> Command {
        let mut command = Command::new(self.0.join(program));
        command.env_clear().env("LC_ALL", "C").env("PATH", &self.0).kill_on_drop(true);
        if let Some(password) = &address.password {
            command.env("PGPASSWORD", password);
        }
        command
    }
}

async fn run(mut command: Command, name: &str) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output().await;
    let output = output.with_context(|| format!("{name} cannot be started"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    if said.contains("server version mismatch") {
        bail!("{name} is older than the server: name the directory of newer ones with ANDON_PG_BIN\n{said}");
    }
    bail!("{name} failed ({}): {said}", output.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_in_no_argument() {
        let address = Address::of("postgres://andon:p%40ss@db.example/andon?sslmode=verify-full").expect("an address");
        assert_eq!(address.url, "postgres://andon@db.example/andon?sslmode=verify-full");
        assert_eq!(address.password.as_deref(), Some("p@ss"));
    }

    #[tokio::test]
    async fn what_a_program_says_is_passed_on() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such thing >&2; exit 3"]);
        let said = run(command, "pg_dump").await.expect_err("it fails").to_string();
        assert!(said.contains("pg_dump failed") && said.contains("no such thing"), "{said}");
    }
}
