//! The stack that is measured: a child `andon up` with a data directory and ports of its own, on the loopback address;
//! and the other children of a bench. What is started here is ended here, whatever happens.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use andon_nats::{Bus, NatsConfig};
use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::sync::mpsc;
use url::Url;

use super::processes;
use crate::backends::NatsRole;
use crate::config::Config;
use crate::running::Addresses;
use crate::servers::installation::{self, Installation};

/// How long a child may take until it serves. A debug build with many sessions on a busy machine takes a while.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long `andon up` may take to end: its own servers take a moment.
const END_LIMIT: Duration = Duration::from_secs(20);
/// How often it is looked whether it has ended.
const POLL: Duration = Duration::from_millis(20);
/// Enough for every bench, and little enough for any disk.
const LOG_MAX_BYTES: &str = "2GiB";

/// A running child that says on stdout where it listens.
pub struct Served {
    child: Child,
    lines: mpsc::Receiver<String>,
    /// Kept open while it shall run: `bench-floor` ends with it.
    _stdin: Option<ChildStdin>,
}

impl Served {
    /// Starts it, in a process group of its own: Ctrl-C is for the bench, which then ends its children in order.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(mut command: Command, stdin: Stdio) -> anyhow::Result<Self> {
        command.stdin(stdin).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().context("a child cannot be started")?;
        // Two lines are all that anybody waits for.
        let (sender, lines) = mpsc::channel(16);
        let stdout = child.stdout.take().context("its stdout is piped")?;
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _nobody_waits = sender.try_send(line);
            }
        });
        Ok(Self { _stdin: child.stdin.take(), child, lines })
    }

    /// What follows `word` on the line that begins with it.
    ///
    /// # Errors
    /// It ends, or takes too long.
    pub async fn said(&mut self, word: &str) -> anyhow::Result<String> {
        self.said_within(word, START_LIMIT).await
    }

    /// The same, with another limit.
    ///
    /// # Errors
    /// It ends, or takes longer.
    pub async fn said_within(&mut self, word: &str, limit: Duration) -> anyhow::Result<String> {
        let heard = async {
            while let Some(line) = self.lines.recv().await {
                if let Some(said) = line.strip_prefix(word) {
                    return Ok(said.trim().to_owned());
                }
            }
            anyhow::bail!("it ended")
        };
        tokio::time::timeout(limit, heard)
            .await
            .unwrap_or_else(|_| anyhow::bail!("it did not say {word:?} within {limit:?}"))
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Ends it and waits until it has ended; `false` when it had to be killed.
    pub fn end(&mut self) -> bool {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return true;
        }
        let pid = Pid::from_raw(self.pid());
        let _gone_already = kill(pid, Signal::SIGTERM);
        let deadline = Instant::now() + END_LIMIT;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(POLL);
        }
        let _gone_already = self.child.kill();
        let _ended = self.child.wait();
        false
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

/// A data directory of a bench, and the `andon up` that runs in it.
pub struct Stack {
    up: Option<Served>,
    http: SocketAddr,
    /// Declared after what runs in it.
    directory: TempDir,
    nats_server: Option<PathBuf>,
    postgres_binaries: Option<PathBuf>,
    idle_timeout: &'static str,
}

impl Stack {
    /// Starts one, with the binaries that `config` names, and waits until it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(config: &Config, idle_timeout: &'static str) -> anyhow::Result<Self> {
        let directory = directory()?;
        let mut stack = Self {
            up: None,
            http: SocketAddr::from(([127, 0, 0, 1], 0)),
            directory,
            nats_server: config.nats.binary.clone(),
            postgres_binaries: config.postgres.binaries.clone(),
            idle_timeout,
        };
        stack.launch()?;
        stack.ready().await?;
        Ok(stack)
    }

    /// Ends it and starts it again on the same data; returns when the process was started, which is not ready then.
    ///
    /// # Errors
    /// It does not end or start.
    pub fn again(&mut self) -> anyhow::Result<Instant> {
        self.end();
        let started = Instant::now();
        self.launch()?;
        Ok(started)
    }

    fn launch(&mut self) -> anyhow::Result<()> {
        let log = std::fs::File::create(self.log())?;
        let mut command = andon("up", self.directory.path())?;
        command
            .envs(self.nats_server.as_ref().map(|path| ("ANDON_NATS_SERVER", path)))
            .envs(self.postgres_binaries.as_ref().map(|path| ("ANDON_PG_BIN", path)))
            .args(["--http-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"])
            .args(["--log", "warn", "--log-max-bytes", LOG_MAX_BYTES, "--idle-timeout", self.idle_timeout])
            .stderr(log);
        self.up = Some(Served::start(command, Stdio::null())?);
        Ok(())
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// It ends, or takes too long; with what it logged.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let up = self.up.as_mut().context("it was ended")?;
        let url = up.said("ready ").await.with_context(|| self.told())?;
        self.http = address(&url)?;
        Ok(())
    }

    /// The gateway's address, once known: from the line that says that it is ready, or from the file that says where
    /// it is, which is there a little earlier.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(&mut self) -> anyhow::Result<Option<SocketAddr>> {
        let Some(addresses) = Addresses::read(&self.data_dir())? else { return Ok(None) };
        self.http = address(&addresses.http_url)?;
        Ok(Some(self.http))
    }

    /// Where the gateway listens.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// The process id of `andon up`.
    pub fn pid(&self) -> i32 {
        self.up.as_ref().map_or(0, Served::pid)
    }

    /// The password of its first account.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn admin_password(&self) -> anyhow::Result<String> {
        Ok(Installation::read(&installation::file(&self.data_dir()))?.admin_password)
    }

    /// A connection to its nats-server.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn bus(&self, role: NatsRole) -> anyhow::Result<Bus> {
        bus(&self.data_dir(), role).await
    }

    fn data_dir(&self) -> PathBuf {
        data_dir(self.directory.path())
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("up.log")
    }

    /// The end of its log, for an error message.
    pub fn told(&self) -> String {
        format!("andon up said:\n{}", crate::servers::child::last_lines(&self.log()))
    }

    fn end(&mut self) {
        if let Some(mut up) = self.up.take()
            && !up.end()
        {
            kill_leftovers(&self.data_dir());
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.end();
    }
}

/// A new directory for a bench: it holds the data directory of what runs in it.
///
/// # Errors
/// It cannot be made.
pub fn directory() -> anyhow::Result<TempDir> {
    let directory = tempfile::Builder::new()
        .prefix("andon-bench-")
        // Root's Postgres runs as somebody else, who must get through.
        .permissions(Permissions::from_mode(0o711))
        .tempdir()
        .context("no temporary directory")?;
    // Keeps it from reading the andon.toml of whoever runs the bench.
    std::fs::write(directory.path().join("andon.toml"), "")?;
    Ok(directory)
}

/// The data directory in such a directory.
pub fn data_dir(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// `andon` with this subcommand, in such a directory, with nothing of the caller's settings.
///
/// # Errors
/// Where this program is, is not known.
pub fn andon(subcommand: &str, directory: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .arg(subcommand)
        .arg("--config")
        .arg(directory.join("andon.toml"))
        .arg("--data-dir")
        .arg(data_dir(directory));
    Ok(command)
}

/// A connection to the nats-servers of what runs in this data directory.
///
/// # Errors
/// Nothing runs there, or no server answers.
pub async fn bus(data_dir: &Path, role: NatsRole) -> anyhow::Result<Bus> {
    let addresses = Addresses::read(data_dir)?.context("it does not say where it is")?;
    let passwords = Installation::read(&installation::file(data_dir))?.nats_passwords;
    let config = NatsConfig {
        url: addresses.nats_url,
        user: Some(role.name().to_owned()),
        password: Some(role.password(&passwords).to_owned()),
        ca: None,
        monitor_url: addresses.nats_monitor_url,
        unchecked_log: false,
        replicas: 1,
        log_max_bytes: None,
    };
    Ok(Bus::connect(&config, role.name()).await?)
}

/// What something that had to be killed left behind: the processes with its data directory among their arguments.
pub fn kill_leftovers(data_dir: &Path) {
    for pid in processes::with_argument_below(data_dir) {
        let _gone_already = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// Where an `http://` address leads.
///
/// # Errors
/// It is none.
pub fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let url = Url::parse(url).with_context(|| format!("{url:?} is no address"))?;
    let addresses = url.socket_addrs(|| None)?;
    addresses.first().copied().with_context(|| format!("{url} is no address"))
}
