//! Waiting for a condition with a deadline: nothing here sleeps and hopes.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often it is looked.
const POLL: Duration = Duration::from_millis(20);

/// Waits until `condition` holds.
///
/// # Errors
/// It does not within `limit`, or cannot be looked at.
pub async fn until(
    what: &str,
    limit: Duration,
    mut condition: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    while !condition().await? {
        anyhow::ensure!(Instant::now() < deadline, "waited {limit:?} in vain until {what}");
        sleep(POLL).await;
    }
    Ok(())
}
