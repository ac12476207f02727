//! What the tests about silence share: sessions to be kept or left, and the clock beside them.

use std::time::Duration;

use bus_schemas::SessionEvent;

use super::super::floor;
use super::super::ledger::Ledger;
use crate::harness::{Worker, until_some};
pub use crate::harness::{now_us, us};

/// The idle time of these tests.
pub const IDLE: Duration = Duration::from_secs(3);
/// The same as a setting.
pub const IDLE_SETTING: &str = "3s";
/// An idle close may come this much after its time.
pub const LATE_MAX: Duration = Duration::from_secs(1);

/// And this long after the last sign of life on a machine that stands still for a second or two: that is a gap, after
/// which the idle time counts anew (protocol rule 13).
pub const IDLE_STALLED: Duration = Duration::from_secs(10);

/// Workers with a session each, in production.
pub async fn workers_at_work(url: &str, numbers: std::ops::Range<usize>) -> Vec<Worker> {
    let mut workers = floor::sign_in(url, numbers).await;
    let station = floor::station(&workers[0]).await;
    for worker in &mut workers {
        worker.open(&station, "J-SILENCE").await.ok();
        worker.status("production").await.ok();
    }
    workers
}

/// The session a worker opened last.
pub fn session(worker: &Worker) -> &str {
    worker.session.as_deref().expect("a session")
}

/// Waits until a session is closed, and gives the event that did it.
pub async fn closed(config: &andon_nats::NatsConfig, session: &str) -> SessionEvent {
    until_some("the session is closed", async || Ledger::read(config).await.close_of(session).cloned()).await
}
