//! A process of the cluster: started, signalled, ended; by its own process id, and never anything else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::servers::{Cluster as Postgres, ServerSettings, child, spawn_nats};

/// How long a process may take to end by itself: a role has drained by then.
const PATIENCE: Duration = Duration::from_secs(12);

/// What it runs.
pub enum Program {
    /// A nats-server.
    Nats(Box<ServerSettings>),
    /// Postgres.
    Postgres(Box<Postgres>),
    /// `andon` with these arguments and variables.
    Role {
        /// Arguments.
        arguments: Vec<String>,
        /// Variables: what is secret is in no argument, which every user of the machine can see.
        variables: Vec<(&'static str, String)>,
        /// Its output.
        log: PathBuf,
    },
}

/// A process, running or not.
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where it shows its metrics, on the loopback address; a server has none.
    pub metrics_port: Option<u16>,
    program: Program,
    child: Option<Child>,
    stopped: bool,
    /// How often it was started.
    starts: u32,
}

/// How a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// It is suspended.
    Stopped,
    /// It has ended.
    Ended,
}

impl Member {
    /// One that does not run yet.
    pub const fn new(name: String, program: Program) -> Self {
        Self { name, metrics_port: None, program, child: None, stopped: false, starts: 0 }
    }

    /// Has a role show its metrics at this port of the loopback address, however often it is started.
    pub fn measure_at(&mut self, port: u16) {
        if let Program::Role { variables, .. } = &mut self.program {
            variables.push(("ANDON_METRICS_ADDR", format!("127.0.0.1:{port}")));
            self.metrics_port = Some(port);
        }
    }

    /// Starts it, unless it runs.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        if self.state() != State::Ended {
            bail!("{} runs already", self.name);
        }
        let child = match &self.program {
            Program::Nats(settings) => spawn_nats(settings)?,
            Program::Postgres(postgres) => {
                postgres.create_once().await?;
                postgres.spawn()?
            }
            Program::Role { arguments, variables, log } => {
                let mut command = Command::new(std::env::current_exe().context("where this program is")?);
                command
                    .args(arguments)
                    .env_clear()
                    .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
                    .envs(variables.iter().map(|(name, value)| (name, value)));
                self.keep_log(log);
                child::spawn(command, log)?
            }
        };
        self.child = Some(child);
        self.stopped = false;
        self.starts += 1;
        Ok(())
    }

    /// What it said before it ended stays beside its log, as `engine-1.log.1` and so on: a log is begun anew.
    fn keep_log(&self, log: &Path) {
        if self.starts > 0 {
            let mut kept = log.as_os_str().to_owned();
            kept.push(format!(".{}", self.starts));
            if let Err(error) = std::fs::rename(log, kept) {
                tracing::warn!(%error, "the log of {} is not kept", self.name);
            }
        }
    }

    /// How it is.
    pub fn state(&mut self) -> State {
        match self.child.as_mut().map(Child::try_wait) {
            Some(Ok(None)) if self.stopped => State::Stopped,
            Some(Ok(None)) => State::Running,
            _ => State::Ended,
        }
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<i32> {
        self.child.as_ref()?.id().and_then(|id| i32::try_from(id).ok())
    }

    /// Sends a signal to it.
    ///
    /// # Errors
    /// It does not run.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        let pid = match self.state() {
            State::Ended => None,
            State::Running | State::Stopped => self.pid(),
        };
        let pid = pid.with_context(|| format!("{} does not run", self.name))?;
        kill(Pid::from_raw(pid), signal).with_context(|| format!("{} cannot be signalled", self.name))?;
        match signal {
            Signal::SIGSTOP => self.stopped = true,
            Signal::SIGCONT => self.stopped = false,
            _ => {}
        }
        Ok(())
    }

    /// Kills it and waits until it is gone.
    ///
    /// # Errors
    /// It does not run.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.gone().await;
        Ok(())
    }

    /// Asks it to end, and kills it when it takes too long.
    pub async fn end(&mut self) {
        if self.stopped {
            let _gone_already = self.signal(Signal::SIGCONT);
        }
        let gently = match self.program {
            // Postgres' fast shutdown.
            Program::Postgres(_) => Signal::SIGINT,
            Program::Nats(_) | Program::Role { .. } => Signal::SIGTERM,
        };
        if self.signal(gently).is_ok() && tokio::time::timeout(PATIENCE, self.gone()).await.is_err() {
            tracing::warn!("{} does not end, killing it", self.name);
            let _gone_already = self.kill().await;
        }
    }

    async fn gone(&mut self) {
        if let Some(child) = &mut self.child {
            // An error means that there is no such child any more.
            let _ended = child.wait().await;
        }
    }
}
