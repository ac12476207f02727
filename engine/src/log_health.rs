//! Whether the log acknowledges. A nats-server with a write error answers reads and stays mute to publishes until it is
//! restarted; its health check says so, and so does the silence itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use andon_nats::{NatsConfig, PublishError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{clock::Mono, closer::CloserMsg, shared::Shared};

/// No acknowledgement for this long, though something waits for one: mute.
const MUTE_AFTER: Duration = Duration::from_secs(5);
/// How often the server's health check is asked, and a mute log is tried again. Together with the monitor's time-out
/// the verdict is there within 6 s.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// What is known of the log's acknowledgements.
#[derive(Debug, Default)]
pub struct LogHealth {
    /// When the first publish without an answer was sent; 0: none since the last answer.
    unanswered_since: AtomicU64,
    /// The server's own health check reports an error.
    reported: AtomicBool,
}

impl LogHealth {
    /// The log has answered a publish.
    pub fn answered(&self) {
        self.unanswered_since.store(0, Ordering::Relaxed);
    }

    /// A publish sent then has had no answer.
    pub fn unanswered(&self, sent: Mono) {
        metrics::counter!("andon_unknown_acks_total").increment(1);
        let _ = self.unanswered_since.compare_exchange(0, sent.as_micros(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// A publish sent then has not been acknowledged. A refusal is an answer: without this a probe that is refused, by a
    /// log that is full for instance, leaves the node mute for ever.
    pub fn refused(&self, error: &PublishError, sent: Mono) {
        match error {
            PublishError::Unknown => self.unanswered(sent),
            PublishError::NotSent(_) => {}
            _ => self.answered(),
        }
    }

    /// Whether nothing should be published: it would only become unknown.
    #[must_use]
    pub fn is_mute(&self) -> bool {
        self.reported.load(Ordering::Relaxed) || self.silent_for(Mono::now()) >= MUTE_AFTER
    }

    fn silent_for(&self, now: Mono) -> Duration {
        match self.unanswered_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => now.since(Mono::from_micros(since)),
        }
    }
}

/// The monitor whose health check is the log's; of several servers it is the illness of one, and the log lives on with
/// the others.
#[must_use]
pub fn monitor(nats: &NatsConfig) -> Option<String> {
    nats.monitor_url.clone().filter(|_| nats.replicas <= 1)
}

/// Watches the server's health check (when its monitor is known), and tries a silent log with a renewal of a claim.
pub async fn watch(shared: Arc<Shared>, monitor_url: Option<String>, stop: CancellationToken) {
    let mut ticks = interval(CHECK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_mute = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Some(url) = &monitor_url {
            // A server that cannot be asked is not reported ill: the connection says what is up.
            let ill = matches!(andon_nats::server::health(url).await, Err(andon_nats::server::Unfit::Ill { .. }));
            shared.health.reported.store(ill, Ordering::Relaxed);
        }
        let mute = shared.health.is_mute();
        if mute != was_mute {
            if mute {
                tracing::error!("the log does not acknowledge: commands are refused until it does");
            } else {
                tracing::info!("the log acknowledges again");
            }
            was_mute = mute;
        }
        metrics::gauge!("andon_log_mute").set(if mute { 1.0 } else { 0.0 });
        if shared.health.silent_for(Mono::now()) > Duration::ZERO {
            let _ = shared.closer.try_send(CloserMsg::Probe);
        }
    }
}

#[cfg(test)]
mod tests {
    use andon_nats::RequestError;

    use super::*;

    #[test]
    fn the_health_check_of_one_server_is_the_logs_only_when_there_is_no_other() {
        let nats = |replicas| NatsConfig {
            url: "nats://localhost".to_owned(),
            user: None,
            password: None,
            ca: None,
            monitor_url: Some("http://localhost:8222".to_owned()),
            unchecked_log: false,
            replicas,
            log_max_bytes: None,
        };
        assert_eq!(monitor(&nats(1)).as_deref(), Some("http://localhost:8222"));
        assert_eq!(monitor(&nats(3)), None);
    }

    #[test]
    fn every_refusal_ends_the_silence_and_what_was_not_sent_does_not() {
        let long_ago = Mono::now().before(MUTE_AFTER);
        let refused = |error: &PublishError| {
            let health = LogHealth::default();
            health.unanswered(long_ago);
            assert!(health.is_mute());
            health.refused(error, Mono::now());
            !health.is_mute()
        };
        let answers = [
            PublishError::Moved,
            PublishError::Full,
            PublishError::Retry(1),
            PublishError::Refused { code: 1, text: String::new() },
        ];
        assert!(answers.iter().all(refused));
        assert!(!refused(&PublishError::NotSent(RequestError::Disconnected)));
        assert!(!refused(&PublishError::Unknown));
    }
}
