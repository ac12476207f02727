//! Keeps the private nats-server running: a task that owns the child process.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::super::backoff::Backoff;
use super::super::{ServersError, child};
use super::PATIENCE;
use super::health::{self, Health};
use super::settings::ServerSettings;
use super::watched::{Starting, Verdict, Watched};

/// How often health is asked.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// How often a starting server is asked whether it is well.
const START_POLL: Duration = Duration::from_millis(25);

/// Who asks for a restart sooner after the last one has not noticed it yet.
const SETTLE: Duration = Duration::from_secs(10);

/// Starts the server, and does not wait for it.
///
/// # Errors
/// Its files or its process cannot be made.
pub fn spawn(settings: &ServerSettings) -> Result<Child, ServersError> {
    settings.write()?;
    let mut command = Command::new(&settings.binary);
    command.arg("-c").arg(settings.file());
    child::spawn(command, &settings.output())
}

/// Starts the server and waits until it is healthy, for as long as it says that it is at work: a log of many gigabytes
/// is read anew after a crash.
///
/// # Errors
/// It ended, gave no answer for too long, or says that it will acknowledge nothing.
pub async fn launch(settings: &ServerSettings) -> Result<Child, ServersError> {
    let mut child = spawn(settings)?;
    let client = health::client();
    let mut starting = Starting::new(Instant::now());
    loop {
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return Err(not_started(settings)),
        }
        let health = health::ask(&client, &settings.monitor_url()).await;
        match starting.verdict(health, Instant::now()) {
            Verdict::Up => return Ok(child),
            Verdict::Wait => {}
            Verdict::Late => {
                end(&mut child, Signal::SIGKILL).await;
                return Err(not_started(settings));
            }
            Verdict::Mute(message) => {
                end(&mut child, Signal::SIGTERM).await;
                return Err(ServersError::Start { name: super::PROGRAM, message });
            }
        }
        tokio::time::sleep(START_POLL).await;
    }
}

fn not_started(settings: &ServerSettings) -> ServersError {
    let output = child::last_lines(&settings.output());
    let message = if output.is_empty() { child::last_lines(&settings.log()) } else { output };
    ServersError::Start { name: super::PROGRAM, message }
}

/// Ends the child: by `signal`, and when that takes too long, by force.
async fn end(child: &mut Child, signal: Signal) {
    let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) else {
        return;
    };
    let _gone_already = kill(Pid::from_raw(pid), signal);
    if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
        tracing::warn!("nats-server does not end, killing it");
        let _gone_already = child.kill().await;
    }
}

/// Owns the running server.
pub struct Supervisor {
    settings: ServerSettings,
    child: Child,
    requests: mpsc::Receiver<String>,
    until: CancellationToken,
    client: reqwest::Client,
    backoff: Backoff,
    restarted: Option<Instant>,
}

/// What a supervisor waits for.
enum Happened {
    /// It is to end for good.
    Asked,
    /// It has ended by itself.
    Died,
    /// It must be started again, and why.
    Restart(String),
}

impl Supervisor {
    /// Takes over a healthy server.
    pub fn new(
        settings: ServerSettings,
        child: Child,
        requests: mpsc::Receiver<String>,
        until: CancellationToken,
    ) -> Self {
        let client = health::client();
        let backoff = Backoff::new();
        Self { settings, child, requests, until, client, backoff, restarted: None }
    }

    /// Runs until it is asked to end, and ends the server with it.
    pub async fn run(mut self) {
        loop {
            match self.watch().await {
                Happened::Asked => return end(&mut self.child, Signal::SIGTERM).await,
                Happened::Died => tracing::error!("nats-server died, starting it again"),
                Happened::Restart(why) => {
                    tracing::error!(why, "restarting nats-server");
                    end(&mut self.child, Signal::SIGTERM).await;
                }
            }
            if !self.start_again().await {
                return;
            }
        }
    }

    async fn watch(&mut self) -> Happened {
        let mut ticks = tokio::time::interval(WATCH_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let monitor_url = self.settings.monitor_url();
        let mut watched = Watched::default();
        loop {
            tokio::select! {
                () = self.until.cancelled() => return Happened::Asked,
                _ = self.child.wait() => return Happened::Died,
                Some(why) = self.requests.recv() => match self.restarted {
                    Some(at) if at.elapsed() < SETTLE => {}
                    _ => return Happened::Restart(why),
                },
                _ = ticks.tick() => {}
            }
            let health = health::ask(&self.client, &monitor_url);
            let health = tokio::select! {
                () = self.until.cancelled() => return Happened::Asked,
                health = health => health,
            };
            if let Health::Unwell(what) = &health {
                tracing::warn!(what, "nats-server is not well");
            }
            if let Some(why) = watched.why_restart(health) {
                return Happened::Restart(why);
            }
        }
    }

    /// Starts the server until it runs. False when it was asked to end meanwhile.
    async fn start_again(&mut self) -> bool {
        loop {
            let wait = tokio::time::sleep(self.backoff.next());
            if self.until.run_until_cancelled(wait).await.is_none() {
                return false;
            }
            self.backoff.started();
            let until = self.until.clone();
            match until.run_until_cancelled(launch(&self.settings)).await {
                Some(Ok(child)) => {
                    self.child = child;
                    self.restarted = Some(Instant::now());
                    metrics::counter!("andon_nats_restarts_total").increment(1);
                    return true;
                }
                Some(Err(error)) => tracing::error!(%error, "nats-server is not up yet"),
                None => {
                    child::end_leftovers(super::PROGRAM, &self.settings.file(), Signal::SIGTERM, PATIENCE).await;
                    return false;
                }
            }
        }
    }
}
