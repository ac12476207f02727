//! The metrics of this crate, by name, in one place.

use bus_schemas::subject::STREAM_LOG;
use metrics::{counter, gauge, histogram};

/// How far the tables lag behind a stream.
pub fn lag(stream: &'static str, messages: u64, seconds: f64) {
    gauge!("andon_projection_lag_messages", "stream" => stream).set(messages as f64);
    gauge!("andon_projection_lag_seconds", "stream" => stream).set(seconds);
}

/// A batch of so many messages was committed in so many seconds.
pub fn batch(stream: &'static str, messages: usize, seconds: f64) {
    counter!("andon_projection_batches_total", "stream" => stream).increment(1);
    counter!("andon_projection_messages_total", "stream" => stream).increment(messages as u64);
    histogram!("andon_projection_batch_seconds", "stream" => stream).record(seconds);
}

/// A message was quarantined: an alarm.
pub fn quarantined(stream: &'static str) {
    counter!("andon_quarantined_total", "stream" => stream).increment(1);
}

/// Messages in quarantine that no person has resolved.
pub fn quarantine_open(messages: i64) {
    gauge!("andon_quarantine_open").set(messages as f64);
}

/// Whether this process is the one that projects.
pub fn projecting(projecting: bool) {
    gauge!("andon_projection_active").set(f64::from(u8::from(projecting)));
}

/// Whether the log is refused: an alarm.
pub fn refused(refused: bool) {
    gauge!("andon_projection_refused").set(f64::from(u8::from(refused)));
}

/// The projection had to begin again (Postgres or NATS away).
pub fn restarted() {
    counter!("andon_projection_restarts_total").increment(1);
}

/// `last_seen_at` of so many sessions was written.
pub fn seen(sessions: usize) {
    counter!("andon_projection_seen_total").increment(sessions as u64);
}

/// The log, as seen from here: bytes used, and bytes it may use.
pub fn log_size(bytes: u64, max_bytes: Option<u64>) {
    gauge!("andon_log_bytes", "stream" => STREAM_LOG).set(bytes as f64);
    if let Some(max) = max_bytes {
        gauge!("andon_log_bytes_free", "stream" => STREAM_LOG).set(max.saturating_sub(bytes) as f64);
    }
}

/// Retention cut so many messages off the log.
pub fn purged(messages: u64) {
    counter!("andon_retention_purged_total").increment(messages);
}
