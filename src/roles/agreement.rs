//! Before an engine builds on a log: is it the one that was projected?
//!
//! Postgres is in nobody's way. While it does not answer, the start waits for it a little, and then goes on without: a log
//! that lost its end is noticed as soon as Postgres is there again, and by then something may have been built on it.

use std::time::Duration;

use andon_nats::NatsConfig;
use anyhow::Context as _;
use persistence::AgreeError;
use tokio::time::{Instant, sleep};

/// A Postgres that was killed is there again within seconds; workers are not kept waiting for longer.
const WITHIN: Duration = Duration::from_secs(10);
/// Between two attempts.
const POLL: Duration = Duration::from_millis(200);

/// Waits until the streams were compared with what is in the tables, or until it was waited long enough.
///
/// # Errors
/// A stream is not the one the tables were made from.
pub async fn log_is_the_projected_one(nats: &NatsConfig, role: &str, database_url: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + WITHIN;
    loop {
        let error = match tokio::time::timeout_at(deadline, persistence::agree(nats, role, database_url)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(AgreeError::Refused(refusal))) => {
                return Err(refusal).context("the log is refused, nothing is served");
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if Instant::now() + POLL >= deadline {
            tracing::warn!(error, "the log was not compared with what was projected: going on without");
            return Ok(());
        }
        sleep(POLL).await;
    }
}
