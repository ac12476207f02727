//! The tasks that keep the board: is the log there, who was seen, what is revoked; and the past, read in the background.

use std::{sync::Arc, time::Duration};

use andon_nats::{Bus, Followed, Follower, ReadError, Start, StoredMessage};
use bus_schemas::{
    SessionEvent,
    subject::{self, SESSIONS, STREAM_LOG},
};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    board::Stale,
    difference::Tombstone,
    hub::Hub,
    limits::{PING_EVERY, STALE_AFTER},
};
use crate::{
    clock::{Moment, wall_now},
    directory::Source,
    live_view::Head,
};

/// How often everything is looked at: a revocation is to cut a connection within 2 s.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Messages of the past in the first reading: those who were gone for a moment come back first.
const PAST_FIRST: u64 = 8_192;
/// The readings grow up to this: a reading is kept whole before it counts.
const PAST_MAX: u64 = 131_072;
/// Pause when the log does not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// Watches what a viewer is to be told of.
pub(crate) async fn keep(hub: Arc<Hub>, head: Arc<Head>, directory: Source, stop: CancellationToken) {
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut list = interval(PING_EVERY);
    list.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut directory_seq = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = list.tick() => hub.list_seen(),
            _ = look.tick() => {
                let now = Moment::now();
                let lost = !head.is_proven(now, STALE_AFTER);
                hub.set_stale(lost.then(|| Stale { since: wall_now().before(STALE_AFTER), at: now }));
                let seq = directory.load().seq();
                if seq != directory_seq {
                    directory_seq = seq;
                    hub.notify();
                }
                crate::telemetry::feed_viewers(hub.viewers());
            }
        }
    }
}

/// Reads what was closed before this gateway started, newest first, as far back as the log or the memory goes. Until
/// then cursors from before the start are answered with a reset.
pub(crate) async fn read_past(hub: Arc<Hub>, bus: Bus, stop: CancellationToken) {
    let read = async {
        let mut bell = hub.listen();
        while !hub.board().is_complete() {
            if bell.changed().await.is_err() {
                return;
            }
        }
        let (mut up_to, mut span) = (hub.board().floor(), PAST_FIRST);
        while let Some(next) = read_back(&hub, &bus, up_to, span).await {
            (up_to, span) = (next, (2 * span).min(PAST_MAX));
        }
        tracing::info!(floor = hub.board().floor(), "the feed knows what was closed");
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = read => {
            // The others go on: a task that ends by itself counts as a failure.
            stop.cancelled().await;
        }
    }
}

/// Reads at most `span` messages up to `up_to`; where to go on from, when there is more.
async fn read_back(hub: &Hub, bus: &Bus, up_to: u64, span: u64) -> Option<u64> {
    let first = first_seq(bus).await;
    let from = first.max(up_to.saturating_sub(span - 1)).max(1);
    if from > up_to {
        return None;
    }
    let closings = closings(bus, from, up_to).await;
    // What retention has cut away meanwhile was not read.
    let first = first_seq(bus).await;
    let down_to = from.max(first) - 1;
    (hub.remember(&closings, down_to, up_to) && from > first).then_some(from - 1)
}

async fn first_seq(bus: &Bus) -> u64 {
    loop {
        let facts: Result<_, ReadError> = bus.stream_info(STREAM_LOG, AGAIN).await;
        match facts {
            Ok(facts) => return facts.first_seq.max(1),
            Err(_) => sleep(AGAIN).await,
        }
    }
}

async fn closings(bus: &Bus, from: u64, up_to: u64) -> Vec<Tombstone> {
    let mut follower = Follower::new(bus.clone(), STREAM_LOG, vec![SESSIONS.to_owned()], Start::Sequence(from));
    let mut closings = Vec::new();
    loop {
        match follower.next().await {
            Followed::Message(message) if message.seq <= up_to => closings.extend(closing(&message)),
            Followed::Message(_) | Followed::CaughtUp => return closings,
            // It goes on by itself.
            Followed::Interrupted(why) => tracing::debug!(why, "the past is read again from where it was"),
        }
    }
}

fn closing(message: &StoredMessage) -> Option<Tombstone> {
    // The header saves decoding nine messages of ten.
    let said = message.headers.get(subject::HEADER_EVENT);
    if said.is_some_and(|kind| kind.as_str() != "closed") {
        return None;
    }
    let event = message.decode::<SessionEvent>().ok()?;
    let session = &event.state.session;
    (!session.is_active()).then(|| Tombstone::of(session, message.seq))
}
