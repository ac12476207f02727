//! The files and the command line of the private Postgres.

use std::io::Write as _;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::super::{DataDir, Installation, Ports, ServersError, child, tools};
use super::unprivileged::Owner;
use crate::config::PostgresSettings;

/// The database, and the role that owns it.
const NAME: &str = "andon";
/// Creating a cluster takes half a second; a slow disk may need more.
const CREATE_LIMIT: Duration = Duration::from_secs(120);
/// Pools of all roles together, and room for a person with psql.
const MAX_CONNECTIONS: &str = "max_connections=60";

/// One Postgres cluster, in Postgres' sense: a directory that one server serves.
pub struct Cluster {
    /// The directory of `postgres` and `initdb`.
    pub binaries: PathBuf,
    /// The directory that holds the cluster; belongs to `owner`.
    pub directory: PathBuf,
    /// Who runs it.
    pub owner: Owner,
    /// The same over restarts, so that clients find the server again.
    pub port: u16,
    /// Password of the role.
    pub password: String,
}

impl Cluster {
    /// Chooses everything; nothing is made or started.
    ///
    /// # Errors
    /// The binaries are missing, or this user cannot run them.
    pub fn choose(
        asked: &PostgresSettings,
        data: &DataDir,
        installation: &Installation,
        ports: &mut Ports,
    ) -> Result<Self, ServersError> {
        let owner = Owner::find()?;
        let binaries = owner.place_binaries(tools::postgres_binaries(asked.binaries.as_deref())?)?;
        Ok(Self {
            binaries,
            directory: owner.place_data(data)?,
            owner,
            port: ports.free(asked.port)?,
            password: installation.postgres_password.clone(),
        })
    }

    /// The address, credentials included.
    pub fn url(&self) -> String {
        let (password, port) = (&self.password, self.port);
        format!("postgres://{NAME}:{password}@127.0.0.1:{port}/{NAME}")
    }

    /// The cluster's files.
    pub fn data(&self) -> PathBuf {
        self.directory.join(super::DATA)
    }

    /// Whether it has been created.
    pub fn is_there(&self) -> bool {
        self.data().join("PG_VERSION").is_file()
    }

    /// Where the cluster is created, before it becomes [`Self::data`].
    pub fn unfinished(&self) -> PathBuf {
        self.directory.join(super::UNFINISHED)
    }

    /// What the server prints.
    pub fn output(&self) -> PathBuf {
        self.directory.join("postgres.log")
    }

    /// Creates the cluster and the database in it, unless they are there. Half a creation, left by a crash, does not
    /// count: it is made under another name and renamed when whole.
    ///
    /// # Errors
    /// A program fails; the error holds what it said.
    pub async fn create_once(&self) -> Result<(), ServersError> {
        if self.is_there() {
            return Ok(());
        }
        let data = self.data();
        let fresh = self.unfinished();
        match std::fs::remove_dir_all(&fresh) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ServersError::file(&fresh, error));
            }
            _ => {}
        }
        let password_file = self.directory.join("password.new");
        self.write_for_owner(&password_file)?;
        let created = self.create(&fresh, &password_file).await;
        std::fs::remove_file(&password_file).map_err(|error| ServersError::file(&password_file, error))?;
        created?;
        std::fs::rename(&fresh, &data).map_err(|error| ServersError::file(&data, error))
    }

    async fn create(&self, fresh: &Path, password_file: &Path) -> Result<(), ServersError> {
        let mut initdb = self.command("initdb");
        initdb
            .arg("-D")
            .arg(fresh)
            .arg("--pwfile")
            .arg(password_file)
            .args(["--username", NAME, "--auth", "scram-sha-256"])
            // The built-in locale knows upper and lower case of every script and is the same on every machine.
            .args(["--encoding", "UTF8", "--locale", "C"])
            .args(["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]);
        run(initdb, "").await?;
        let mut single = self.command(super::PROGRAM);
        single.arg("--single").arg("-D").arg(fresh).arg("postgres");
        run(single, &format!("CREATE DATABASE {NAME} OWNER {NAME};\n")).await
    }

    /// Starts the server. It may take a while to answer, for example while it recovers from a crash.
    ///
    /// # Errors
    /// The process cannot be created.
    pub fn spawn(&self) -> Result<Child, ServersError> {
        let mut postgres = self.command(super::PROGRAM);
        postgres
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", MAX_CONNECTIONS])
            .args(["-c", "timezone=UTC", "-c", "log_timezone=UTC"]);
        child::spawn(postgres, &self.output())
    }

    /// A program of Postgres, run by the owner, without the `PG…` variables of whoever started andon.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command.env_clear().env("LC_ALL", "C").env("PATH", &self.binaries).current_dir(&self.directory);
        self.owner.run_as(&mut command);
        command
    }

    fn write_for_owner(&self, path: &Path) -> Result<(), ServersError> {
        let ids = self.owner.ids();
        child::private_file(path)
            .and_then(|mut file| file.write_all(self.password.as_bytes()))
            .and_then(|()| match ids {
                Some((uid, gid)) => chown(path, Some(uid), Some(gid)),
                None => Ok(()),
            })
            .map_err(|error| ServersError::file(path, error))
    }
}

/// Runs a program to its end, with `input` on its standard input.
async fn run(mut command: Command, input: &str) -> Result<(), ServersError> {
    let program = PathBuf::from(command.as_std().get_program());
    let failed = |error| ServersError::file(&program, error);
    let mut child = command
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).await.map_err(failed)?;
    }
    let output = tokio::time::timeout(CREATE_LIMIT, child.wait_with_output())
        .await
        .map_err(|_| failed(std::io::ErrorKind::TimedOut.into()))?
        .map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    Err(ServersError::Start {
        name: "Postgres",
        message: format!("{} failed: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim()),
    })
}
