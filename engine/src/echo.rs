//! The echo: what a node sends to itself through the server, behind the heartbeats (protocol rule 12). Its return is
//! the only clock that closes sessions.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bus_schemas::{codec, heartbeat, subject};
use parking_lot::Mutex;
use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{clock::Mono, shard::ShardMsg, shared::Shared, silence::Returned};

/// An echo is sent this often (rule 12).
const EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether a deadline has fallen due; an idle close is at most this much later.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Echoes for deadlines are at least this far apart.
const APART_MIN: Duration = Duration::from_millis(100);

/// The echoes of a node.
#[derive(Default)]
pub struct Echoes {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Returned>>>,
}

impl Echoes {
    /// Sends an echo; `None` when it could not be sent. The receiver gets its return.
    pub async fn send_and_wait(&self, shared: &Shared) -> Option<oneshot::Receiver<Returned>> {
        let (sender, receiver) = oneshot::channel();
        let number = shared.hearing.lock().send(Mono::now(), shared.ears());
        {
            let mut waiting = self.waiting.lock();
            waiting.retain(|_, waiter| !waiter.is_closed());
            waiting.insert(number, sender);
        }
        send(shared, number).await.then_some(receiver)
    }

    /// An echo is back: everything sent before it has been heard.
    pub fn returned(&self, shared: &Shared, number: u64) {
        let returned = {
            let ears = shared.ears();
            let mut hearing = shared.hearing.lock();
            let returned = hearing.returned(number, Mono::now(), ears);
            metrics::gauge!("andon_deaf_seconds_total").set(hearing.deaf_total().as_secs_f64());
            returned
        };
        let Some(returned) = returned else { return };
        if returned.hears {
            check_deadlines(shared, returned.sent_at);
        }
        if let Some(waiter) = self.waiting.lock().remove(&number) {
            let _ = waiter.send(returned);
        }
    }
}

fn check_deadlines(shared: &Shared, sent_at: Mono) {
    for (_, slot) in shared.slots() {
        if slot.next_due() <= sent_at
            && slot.is_serving()
            && let Some(shard) = slot.shard()
        {
            let _ = shard.cast(ShardMsg::Check(sent_at));
        }
    }
}

async fn send(shared: &Shared, number: u64) -> bool {
    let echo = heartbeat::HeartbeatMessage::Echo(heartbeat::Echo { node_id: shared.node_id.clone(), number });
    let Ok(payload) = codec::encode(&echo) else { return false };
    shared.bus().send(subject::heartbeat(&shared.node_id), None, payload.into()).await.is_ok()
}

/// Sends an echo every second, and whenever a deadline falls due.
pub async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Mono::ZERO;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = Mono::now();
        let since = now.since(last);
        let is_due = || shared.slots().any(|(_, slot)| slot.next_due() <= now && slot.is_serving());
        if since >= EVERY || (since >= APART_MIN && is_due()) {
            last = now;
            let number = shared.hearing.lock().send(now, shared.ears());
            send(&shared, number).await;
        }
    }
}
