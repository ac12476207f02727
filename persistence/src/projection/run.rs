//! Runs the projection: becomes the projecting process, proves the streams, projects, and after any trouble begins
//! again from the checkpoint.

use std::time::Duration;

use andon_nats::{Bus, NatsError, ReadError};
use bus_schemas::subject::{STREAM_DIRECTORY, STREAM_LOG};
use sqlx::postgres::PgConnectOptions;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Projected, WriteError, Writer, feed::Feed, project::Projecting};
use crate::{
    Checkpoint, PersistenceConfig, State, measures,
    seen::SeenBuffer,
    trust::{self, ProofError, Refusal},
};

/// How often a process standing by tries to become the projecting one; it takes over well within 5 s.
const STANDBY_POLL: Duration = Duration::from_secs(1);
/// First pause after trouble, doubled each time.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// Longest pause after trouble: an outage of seconds must not become one of minutes.
const PAUSE_MAX: Duration = Duration::from_secs(3);
/// A run that lasted this long was a good one: the next pause is the first again.
const GOOD_RUN: Duration = Duration::from_secs(10);

/// Why a run ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Postgres.
    #[error("Postgres: {0}")]
    Write(#[from] WriteError),
    /// NATS cannot be reached.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// A stream cannot be read.
    #[error("NATS: {0}")]
    Read(#[from] ReadError),
    /// A stream's consumer broke off. The stream is proven again before anything more of it is believed.
    #[error("stream {stream} broke off: {why}")]
    Interrupted {
        /// Which.
        stream: &'static str,
        /// Why.
        why: String,
    },
    /// The log skipped a sequence.
    #[error("the log skipped from {after} to {next}")]
    Skipped {
        /// Before the hole.
        after: u64,
        /// After it.
        next: u64,
    },
    /// A stream is not to be trusted.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<ProofError> for RunError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Refused(refusal) => Self::Refused(refusal),
            ProofError::Read(error) => Self::Read(error),
        }
    }
}

/// The projection of this process.
pub struct Projection {
    config: PersistenceConfig,
    options: PgConnectOptions,
    state: watch::Sender<State>,
    projected: watch::Sender<Projected>,
    stop: CancellationToken,
    bus: Option<Bus>,
    /// Outlives a run: a new one must not write `last_seen_at` again at once.
    seen: SeenBuffer,
}

impl Projection {
    pub fn new(
        config: PersistenceConfig,
        options: PgConnectOptions,
        state: watch::Sender<State>,
        projected: watch::Sender<Projected>,
        stop: CancellationToken,
    ) -> Self {
        Self { config, options, state, projected, stop, bus: None, seen: SeenBuffer::default() }
    }

    /// Runs until it is asked to stop, or a stream is refused.
    pub async fn run(mut self) {
        let mut pause = PAUSE_FIRST;
        measures::refused(false);
        loop {
            let started = Instant::now();
            let ended = Box::pin(self.once()).await;
            measures::projecting(false);
            match ended {
                Ok(()) => break self.enter(State::Stopped),
                Err(RunError::Refused(refusal)) => break self.refuse(refusal),
                Err(error) => {
                    tracing::warn!(%error, "the projection begins again");
                    measures::restarted();
                    self.enter(State::Retrying(error.to_string()));
                }
            }
            if started.elapsed() >= GOOD_RUN {
                pause = PAUSE_FIRST;
            }
            if self.stop.clone().run_until_cancelled(sleep(pause)).await.is_none() {
                break self.enter(State::Stopped);
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn refuse(&self, refusal: Refusal) {
        tracing::error!(%refusal, "THE LOG IS REFUSED: nothing is projected until a person has looked at it");
        measures::refused(true);
        self.enter(State::Refused(refusal));
    }

    fn enter(&self, state: State) {
        self.state.send_if_modified(|known| {
            let changed = *known != state;
            *known = state;
            changed
        });
    }

    /// One run. `Ok`: it was asked to stop.
    async fn once(&mut self) -> Result<(), RunError> {
        let Some(mut writer) = self.become_the_one().await? else { return Ok(()) };
        let bus = self.bus().await?;
        let log = self.proven(&bus, &mut writer, STREAM_LOG).await?;
        let directory = self.proven(&bus, &mut writer, STREAM_DIRECTORY).await?;
        writer.builtin_statuses().await?;
        tracing::info!(log = log.seq, directory = directory.seq, "projecting");
        self.enter(State::Projecting);
        measures::projecting(true);
        let feed = Feed::start(&bus, &log, &directory);
        let projecting = Projecting {
            bus,
            writer,
            log,
            directory,
            retention: self.config.retention,
            projected: &self.projected,
            seen: &mut self.seen,
            cutting: None,
        };
        projecting.run(feed, &self.stop).await
    }

    /// Waits until no other process projects. `None`: asked to stop.
    async fn become_the_one(&self) -> Result<Option<Writer>, RunError> {
        let mut writer = Writer::connect(&self.options).await?;
        loop {
            if self.stop.is_cancelled() {
                return Ok(None);
            }
            if writer.try_lock().await? {
                return Ok(Some(writer));
            }
            self.enter(State::StandingBy);
            let _stopped = self.stop.run_until_cancelled(sleep(STANDBY_POLL)).await;
        }
    }

    async fn bus(&mut self) -> Result<Bus, RunError> {
        if let Some(bus) = &self.bus {
            return Ok(bus.clone());
        }
        let bus = Bus::connect(&self.config.nats, "persistence").await?;
        Ok(self.bus.insert(bus).clone())
    }

    /// The checkpoint of a stream that was just proven to be the one it belongs to.
    async fn proven(&self, bus: &Bus, writer: &mut Writer, stream: &'static str) -> Result<Checkpoint, RunError> {
        let known = writer.checkpoint(stream).await?;
        let is_new = known.is_none();
        let checkpoint = match known {
            Some(checkpoint) => checkpoint,
            None => Checkpoint::start(stream, trust::created(bus, stream).await?),
        };
        trust::prove(bus, &checkpoint).await?;
        if is_new {
            writer.begin(&checkpoint).await?;
        }
        self.projected.send_modify(|projected| projected.note(&checkpoint));
        Ok(checkpoint)
    }
}
