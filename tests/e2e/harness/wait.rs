//! Waiting for a condition with a deadline: no test sleeps and hopes.

use std::time::Duration;

use tokio::time::Instant;

/// How long a test waits for what should take moments. Generous, because a loaded machine is slow, and it costs
/// nothing when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// What a machine busy with other tests may add to a span of seconds that is a test's subject. How long things take is
/// measured by the benchmarks.
pub const BUSY: Duration = Duration::from_secs(6);
/// How often it looks.
pub const POLL: Duration = Duration::from_millis(20);

/// Waits until `condition` holds.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    until_some(what, async || condition().await.then_some(())).await;
}

/// Waits until `attempt` gives something, and returns it.
pub async fn until_some<T>(what: &str, attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let found = until_within(PATIENCE, attempt).await;
    found.unwrap_or_else(|| panic!("waited {PATIENCE:?} in vain until {what}"))
}

/// Waits this long at most until `attempt` gives something.
pub async fn until_within<T>(patience: Duration, mut attempt: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = attempt().await {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(POLL).await;
    }
}
