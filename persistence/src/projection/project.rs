//! One run of the projecting process: batches, last-seen times, the regular look at the log, and retention.

use std::time::Duration;

use andon_nats::{Bus, Followed, StoredMessage};
use bus_schemas::{Partition, seen::LastSeen, subject::STREAM_LOG};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, interval_at, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    Projected, Writer,
    feed::{Feed, Source},
    run::RunError,
};
use crate::{Checkpoint, measures, retention, seen::SeenBuffer, trust};

/// How often the log is asked how it is, and Postgres whether it is there.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Time for that question.
const LOOK_WITHIN: Duration = Duration::from_secs(2);
/// First cut after a start: once the start is over, and before an hourly restart could put it off for ever.
const FIRST_CUT: Duration = Duration::from_secs(60);
/// How often the log is cut.
const CUT_EVERY: Duration = Duration::from_secs(3_600);

/// The projecting process, with proven streams.
pub struct Projecting<'a> {
    pub bus: Bus,
    pub writer: Writer,
    pub log: Checkpoint,
    pub directory: Checkpoint,
    pub retention: Duration,
    pub projected: &'a watch::Sender<Projected>,
    pub seen: &'a mut SeenBuffer,
    /// The cut of the log in progress; it ends with this run.
    pub cutting: Option<AbortOnDropHandle<()>>,
}

impl Projecting<'_> {
    /// Projects until asked to stop (`Ok`), or until something goes wrong.
    pub async fn run(mut self, mut feed: Feed, stop: &CancellationToken) -> Result<(), RunError> {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut cut = interval_at(Instant::now() + FIRST_CUT, CUT_EVERY);
        cut.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let write_seen = sleep_until(self.seen.next_write(Instant::now()));
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                items = feed.log.take() => self.log_items(&feed.log, items).await?,
                items = feed.directory.take() => self.directory_items(&feed.directory, items).await?,
                items = feed.seen.take() => self.seen_items(&feed.seen, items).await?,
                () = write_seen => {
                    let rows = self.seen.take(Instant::now());
                    self.writer.last_seen(&rows).await?;
                }
                _ = look.tick() => self.look().await?,
                _ = cut.tick() => self.cut().await?,
            }
        }
    }

    async fn log_items(&mut self, source: &Source, items: Vec<Followed>) -> Result<(), RunError> {
        let (messages, broken) = split(source, items);
        let mut batch = Vec::with_capacity(messages.len());
        let mut last = self.log.seq;
        for message in messages {
            if message.seq <= last {
                continue;
            }
            if message.seq > last + 1 {
                self.write_log(&batch).await?;
                batch.clear();
                self.allow_hole(last, message.seq).await?;
            }
            last = message.seq;
            batch.push(message);
        }
        self.write_log(&batch).await?;
        broken
    }

    async fn write_log(&mut self, batch: &[StoredMessage]) -> Result<(), RunError> {
        self.log = self.writer.project(&self.log, batch).await?;
        self.projected.send_modify(|projected| projected.note(&self.log));
        Ok(())
    }

    /// A hole is allowed only where a person has accepted holes; everything else begins again, from a proven log.
    async fn allow_hole(&self, after: u64, next: u64) -> Result<(), RunError> {
        trust::prove(&self.bus, &self.log).await?;
        if self.log.accepted_deleted == 0 {
            return Err(RunError::Skipped { after, next });
        }
        tracing::warn!(after, next, "going over a hole in the log that a person has accepted");
        Ok(())
    }

    async fn directory_items(&mut self, source: &Source, items: Vec<Followed>) -> Result<(), RunError> {
        let (mut messages, broken) = split(source, items);
        messages.retain(|message| message.seq > self.directory.seq);
        self.directory = self.writer.project(&self.directory, &messages).await?;
        self.projected.send_modify(|projected| projected.note(&self.directory));
        broken
    }

    /// Tables are replaced every 15 s: one that broke off is no reason to begin again.
    async fn seen_items(&mut self, source: &Source, items: Vec<Followed>) -> Result<(), RunError> {
        for message in split(source, items).0 {
            let partition = message.subject.rsplit('.').next().and_then(|token| token.parse::<Partition>().ok());
            match (partition, message.decode::<LastSeen>()) {
                (Some(partition), Ok(table)) => self.seen.offer(partition, &table),
                (None, _) => {
                    let why = "its subject names no partition".to_owned();
                    self.writer.set_aside(source.stream, &message, why).await?;
                }
                (_, Err(error)) => self.writer.set_aside(source.stream, &message, error.to_string()).await?,
            }
        }
        Ok(())
    }

    /// Whether everything is still as it was, and how far behind the tables are.
    async fn look(&mut self) -> Result<(), RunError> {
        measures::quarantine_open(self.writer.quarantined().await?);
        for checkpoint in [&self.log, &self.directory] {
            // Without an answer there is nothing to see; the followers notice when NATS is away.
            let Ok(facts) = self.bus.stream_info(checkpoint.stream, LOOK_WITHIN).await else { continue };
            trust::check(&facts, checkpoint)?;
            let behind = facts.last_seq.saturating_sub(checkpoint.seq);
            let since = checkpoint.message_at_us.filter(|_| behind > 0);
            let seconds = since.map_or(0.0, |at| facts.server_now_us.since(at).as_secs_f64());
            measures::lag(checkpoint.stream, behind, seconds);
            if checkpoint.stream == STREAM_LOG {
                measures::log_size(facts.bytes, facts.max_bytes);
            }
        }
        Ok(())
    }

    /// Cuts off what the log need not keep, in the background: reading the log for it may take a while.
    async fn cut(&mut self) -> Result<(), RunError> {
        if self.cutting.as_ref().is_some_and(|cutting| !cutting.is_finished()) {
            return Ok(());
        }
        let Ok(facts) = self.bus.stream_info(STREAM_LOG, LOOK_WITHIN).await else { return Ok(()) };
        let old = self.writer.last_stored_before(facts.server_now_us.before(self.retention)).await?;
        let cutting = retention::cut(self.bus.clone(), self.log.seq, old);
        self.cutting = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            match cutting.await {
                Ok(purged) => tracing::info!(purged, "the log was cut"),
                Err(error) => tracing::warn!(%error, "the log could not be cut, trying again in an hour"),
            }
        })));
        Ok(())
    }
}

/// The messages up to where the stream broke off, and that it did.
fn split(source: &Source, items: Vec<Followed>) -> (Vec<StoredMessage>, Result<(), RunError>) {
    let interrupted = |why| RunError::Interrupted { stream: source.stream, why };
    if items.is_empty() {
        return (Vec::new(), Err(interrupted("its follower ended".to_owned())));
    }
    let mut messages = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Followed::Message(message) => messages.push(message),
            Followed::CaughtUp => {}
            Followed::Interrupted(why) => return (messages, Err(interrupted(why))),
        }
    }
    (messages, Ok(()))
}
