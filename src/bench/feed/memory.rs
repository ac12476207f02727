//! Resident memory of a connection on which nothing happens.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use super::crowd::{Crowd, SET};
use super::stream::Target;
use crate::bench::{processes, rounds};

/// So many connections come and go before: what is allocated once is not theirs.
const WARM_UP: usize = 100;
/// So often it must be calm before memory is read.
const CALM_PERIODS: usize = 5;

/// KB each of so many.
///
/// # Errors
/// One is refused, or the process ends.
pub async fn of_each(process: i32, target: &Target, count: usize, settle: Duration) -> anyhow::Result<f64> {
    Crowd::gather(target, WARM_UP, 0, SET).await?.leave().await?;
    let before = resident(process, settle).await?;
    let idle = Crowd::gather(target, count, 0, SET).await?;
    let with = resident(process, settle).await?;
    idle.leave().await?;
    Ok(with.saturating_sub(before) as f64 / count as f64 / 1_024.0)
}

async fn resident(process: i32, settle: Duration) -> anyhow::Result<u64> {
    let deadline = Instant::now() + settle;
    for _ in 0..CALM_PERIODS {
        rounds::rest(process, deadline.saturating_duration_since(Instant::now())).await;
    }
    processes::resident_bytes(process).context("it ended")
}
