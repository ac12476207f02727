//! The ordered follower: every message of a stream from a point on, in order, each exactly once, whatever happens to
//! the connection, the consumer or the server in between.
//!
//! It is a pull consumer without acknowledgements that is made anew from the last sequence + 1 after any trouble: a
//! missed heartbeat, a hole in the consumer's own count, a deleted consumer, or silence although the stream goes on.
//!
//! With several nats-servers a consumer reads the copy of one of them, which may be behind: what that copy has not got is
//! not pending to it. Where the end is the stream's leader is asked.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, PullConsumer, ReplayPolicy, pull},
};
use bus_schemas::TimeUs;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::{Instant, timeout};

use crate::{Bus, ReadError, StoredMessage, StreamFacts};

/// The server says that it lives this often; two missed ones are trouble.
const IDLE_HEARTBEAT: Duration = Duration::from_secs(1);
/// A pull request is renewed after this.
const PULL_EXPIRES: Duration = Duration::from_secs(30);
/// Messages asked for at once: at 3 KB each about 3 MB in flight; 75 MB were cut off as a slow consumer.
const PULL_MESSAGES: usize = 1_000;
/// The server forgets a consumer nobody pulls from after this.
const INACTIVE_THRESHOLD: Duration = Duration::from_secs(30);
/// How long the follower may be silent before it asks whether the stream went on (nats.rs #557, #1285).
const SILENCE_CHECK: Duration = Duration::from_secs(4);
/// A message that was stored just before the question may still be on its way for this long.
const ON_ITS_WAY: Duration = Duration::from_millis(500);
/// Time for making a consumer.
const CREATE_WITHIN: Duration = Duration::from_secs(3);
/// Time for the answer to one consumer's making, which takes milliseconds. With several servers it has one copy, and may
/// be given to a server that is dead: nobody answers then, and the next attempt is given to another one.
const PLACED_WITHIN: Duration = Duration::from_secs(2);
/// Time for ending a consumer.
const END_WITHIN: Duration = Duration::from_secs(1);
/// Subjects whose last message is asked for at once: a node that takes a third of the partitions asks for 170.
const ASKED_AT_ONCE: usize = 32;
/// Pause before the next attempt after trouble.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// Where a follower begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the last message of every subject, then everything.
    LastPerSubject,
    /// With this sequence.
    Sequence(u64),
}

/// What a follower yields.
#[derive(Debug)]
pub enum Followed {
    /// The next message.
    Message(StoredMessage),
    /// Everything that was there when the follower (or its new consumer) began has been delivered.
    CaughtUp,
    /// Something went wrong; it goes on by itself. Until the next [`Followed::CaughtUp`] it may lag.
    Interrupted(String),
}

/// Follows a stream; see the module.
pub struct Follower {
    bus: Bus,
    stream: &'static str,
    filters: Vec<String>,
    start: Start,
    last_seq: u64,
    caught_up_once: bool,
    reading: Option<Reading>,
    retry_at: Option<Instant>,
    created_us: Option<TimeUs>,
}

/// One consumer's life.
struct Reading {
    consumer: String,
    messages: pull::Stream,
    consumer_seq: u64,
    /// The last sequence that was delivered, also when it had been before.
    delivered: u64,
    /// The follower has caught up when so many are delivered, which was all that the consumer's copy of the stream had:
    /// the last ones of every subject are no beginning of the stream before all of them are there.
    pending_at_start: u64,
    /// And this one, or a later one: the last that concerned it when the consumer was made.
    end: u64,
    /// The stream's last sequence at that time.
    head_at_start: u64,
    caught_up: bool,
    /// More was to come when the stream was last asked: the next silence is trouble.
    suspect: bool,
}

impl Reading {
    const fn has_all_up_to_its_start(&self, last_seq: u64) -> bool {
        self.consumer_seq >= self.pending_at_start && (self.delivered >= self.end || last_seq >= self.end)
    }
}

impl Follower {
    /// A follower of these subjects of the stream; nothing is read before [`Follower::next`].
    #[must_use]
    pub const fn new(bus: Bus, stream: &'static str, filters: Vec<String>, start: Start) -> Self {
        let last_seq = match start {
            Start::LastPerSubject => 0,
            Start::Sequence(seq) => seq.saturating_sub(1),
        };
        Self {
            bus,
            stream,
            filters,
            start,
            last_seq,
            caught_up_once: false,
            reading: None,
            retry_at: None,
            created_us: None,
        }
    }

    /// Ends it: the server forgets its consumer at once, and not only after a while. A stream has room for so many.
    pub async fn end(mut self) {
        if let Some(Reading { consumer, .. }) = self.reading.take() {
            let what = format!("CONSUMER.DELETE.{}.{consumer}", self.stream);
            let ended: Result<serde_json::Value, _> = self.bus.api(&what, &serde_json::Value::Null, END_WITHIN).await;
            if let Err(error) = ended {
                tracing::debug!(%error, "a consumer was not ended; the server forgets it by itself");
            }
        }
    }

    /// The last sequence delivered (or the one before the start).
    #[must_use]
    pub const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The next thing. Cancel safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Followed {
        loop {
            if let Some(at) = self.retry_at.take() {
                self.retry_at = Some(at);
                tokio::time::sleep_until(at).await;
                self.retry_at = None;
            }
            let Some(reading) = &mut self.reading else {
                match self.begin().await {
                    Ok(reading) => self.reading = Some(reading),
                    Err(why) => return self.interrupt(why),
                }
                continue;
            };
            if !reading.caught_up && reading.has_all_up_to_its_start(self.last_seq) {
                return self.caught_up();
            }
            let patience = if reading.suspect { ON_ITS_WAY } else { SILENCE_CHECK };
            match timeout(patience, reading.messages.next()).await {
                Ok(Some(Ok(message))) => match self.accept(&message) {
                    Ok(Some(stored)) => return Followed::Message(stored),
                    Ok(None) => {}
                    Err(why) => return self.interrupt(why),
                },
                Ok(Some(Err(error))) => return self.interrupt(error.to_string()),
                Ok(None) => return self.interrupt("the consumer ended".to_owned()),
                Err(_) => {
                    if let Err(why) = self.check_silence().await {
                        return self.interrupt(why);
                    }
                }
            }
        }
    }

    fn caught_up(&mut self) -> Followed {
        self.caught_up_once = true;
        if let Some(reading) = &mut self.reading {
            reading.caught_up = true;
            // What was delivered covers everything up to the head, also where the last messages had other subjects.
            self.last_seq = self.last_seq.max(reading.head_at_start);
        }
        Followed::CaughtUp
    }

    fn interrupt(&mut self, why: String) -> Followed {
        self.reading = None;
        self.retry_at = Some(Instant::now() + RETRY_DELAY);
        Followed::Interrupted(why)
    }

    /// `Ok(None)`: already delivered.
    fn accept(&mut self, message: &jetstream::Message) -> Result<Option<StoredMessage>, String> {
        let info = message.info().map_err(|error| error.to_string())?;
        let Some(reading) = &mut self.reading else { return Ok(None) };
        if info.consumer_sequence != reading.consumer_seq + 1 {
            return Err(format!(
                "a hole after delivery {}: the next is {}",
                reading.consumer_seq, info.consumer_sequence
            ));
        }
        reading.consumer_seq += 1;
        reading.suspect = false;
        reading.delivered = info.stream_sequence;
        if info.pending == 0 {
            // Some were removed meanwhile, and never come.
            reading.pending_at_start = reading.pending_at_start.min(reading.consumer_seq);
        }
        if info.stream_sequence <= self.last_seq {
            return Ok(None);
        }
        self.last_seq = info.stream_sequence;
        Ok(Some(StoredMessage {
            subject: message.subject.to_string(),
            seq: info.stream_sequence,
            time_us: TimeUs::from_micros(info.published.timestamp_micros()),
            headers: message.headers.clone().unwrap_or_default(),
            payload: message.payload.clone(),
        }))
    }

    /// Silent although more is to come, twice: the consumer is stuck, or reads a copy that is.
    async fn check_silence(&mut self) -> Result<(), String> {
        let info = self.bus.stream_info(self.stream, CREATE_WITHIN).await.map_err(|error| error.to_string())?;
        let last_seq = self.last_seq;
        let Some(reading) = &mut self.reading else { return Ok(()) };
        let behind = !reading.caught_up || info.last_seq > last_seq;
        if behind && reading.suspect {
            return Err(format!("silent at {last_seq} although the stream is at {}", info.last_seq));
        }
        reading.suspect = behind;
        Ok(())
    }

    async fn begin(&mut self) -> Result<Reading, String> {
        let make = async {
            let head = self.bus.stream_info(self.stream, CREATE_WITHIN).await.map_err(|error| error.to_string())?;
            self.check_same_log(&head)?;
            let end = self.end_by_the_leader().await?;
            let context = jetstream::new(self.bus.client().clone());
            let placing = context.create_consumer_on_stream(self.definition(), self.stream);
            let consumer: PullConsumer = timeout(PLACED_WITHIN, placing)
                .await
                .map_err(|_| "a consumer was not made in time: its server may be dead".to_owned())?
                .map_err(|error| error.to_string())?;
            let pending_at_start = consumer.cached_info().num_pending;
            let messages = consumer
                .stream()
                .max_messages_per_batch(PULL_MESSAGES)
                .heartbeat(IDLE_HEARTBEAT)
                .expires(PULL_EXPIRES)
                .messages()
                .await
                .map_err(|error| error.to_string())?;
            Ok(Reading {
                consumer: consumer.cached_info().name.clone(),
                messages,
                consumer_seq: 0,
                delivered: 0,
                pending_at_start,
                end,
                head_at_start: head.last_seq,
                caught_up: false,
                suspect: false,
            })
        };
        timeout(CREATE_WITHIN * 2, make)
            .await
            .unwrap_or_else(|_| Err("no answer to the making of a consumer".to_owned()))
    }

    /// The last message there is on these subjects; 0 when there is none.
    async fn end_by_the_leader(&self) -> Result<u64, String> {
        let filters = if self.filters.is_empty() { vec![">".to_owned()] } else { self.filters.clone() };
        let questions: Vec<_> = filters.into_iter().map(|filter| self.last_on(filter)).collect();
        let lasts: Vec<u64> = stream::iter(questions)
            .buffer_unordered(ASKED_AT_ONCE)
            .try_collect()
            .await
            .map_err(|error| error.to_string())?;
        Ok(lasts.into_iter().max().unwrap_or(0))
    }

    fn last_on(&self, filter: String) -> impl Future<Output = Result<u64, ReadError>> + use<> {
        let (bus, stream) = (self.bus.clone(), self.stream);
        async move {
            let last = bus.last_message(stream, &filter, CREATE_WITHIN).await?;
            Ok(last.map_or(0, |last| last.seq))
        }
    }

    /// A consumer beyond the stream's end would silently wait for a log that went backwards to grow again.
    fn check_same_log(&mut self, head: &StreamFacts) -> Result<(), String> {
        let known = *self.created_us.get_or_insert(head.created_us);
        if known != head.created_us {
            return Err(format!("stream {} is another one: made anew at {:?}", self.stream, head.created_us));
        }
        if head.last_seq < self.last_seq {
            return Err(format!("stream {} went backwards: from {} to {}", self.stream, self.last_seq, head.last_seq));
        }
        Ok(())
    }

    fn definition(&self) -> pull::Config {
        let deliver_policy = match self.start {
            // A new consumer gives the last of every subject again; what was delivered is skipped.
            Start::LastPerSubject if !self.caught_up_once => DeliverPolicy::LastPerSubject,
            _ => DeliverPolicy::ByStartSequence { start_sequence: self.last_seq + 1 },
        };
        pull::Config {
            name: Some(format!("follow-{}", uuid::Uuid::new_v4().simple())),
            deliver_policy,
            ack_policy: AckPolicy::None,
            replay_policy: ReplayPolicy::Instant,
            filter_subjects: self.filters.clone(),
            inactive_threshold: INACTIVE_THRESHOLD,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        }
    }
}
