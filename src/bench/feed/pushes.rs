//! What a worker's socket pushes when somebody else ends the session.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::crowd::{Crowd, GONE};
use super::side::{Ours, Side as _};
use super::stream::{Carrier, Target};
use crate::bench::crew::Member;
use crate::bench::factory::{Factory, JOB};
use crate::bench::stack::Stack;
use crate::bench::wire::{Connection, Prepared};
use crate::histogram::Histogram;

/// A worker with two devices, and somebody who closes sessions.
pub struct Push<'a> {
    /// Where.
    pub stack: &'a Stack,
    /// The factory.
    pub factory: &'a Factory,
    /// The worker: the one with this number.
    pub worker: usize,
    /// The worker's login.
    pub member: &'a Member,
    /// Whoever closes sessions.
    pub admin: &'a str,
}

impl Push<'_> {
    /// Ends the session so often, half of them by opening another on the other device, half by an admin: from when the
    /// end was stored to its arrival.
    ///
    /// # Errors
    /// Something is refused, or an end is not told.
    pub async fn measure(&self, ours: &mut Ours<'_>, times: usize, settle: Duration) -> anyhow::Result<Histogram> {
        let worker = self.factory.workers.get(self.worker).copied().context("there is no such worker")?;
        let path = format!("/api/worker/socket?workerId={worker}");
        let (address, token) = (self.stack.http(), Some(self.member.token.clone()));
        let crowd = Crowd::gather(&Target { address, carrier: Carrier::Socket, path, token }, 1, 0, GONE).await?;
        ours.stamps().await?;
        let mut connection = Connection::open(address).await?;
        let open = json!({"workerId": worker, "stationId": self.factory.station, "jobNumber": JOB});
        let open = Prepared::post("/api/jobs", Some(&self.member.token), &open.to_string());
        for number in 0..times {
            let opened = exchange(&mut connection, &open).await?;
            if number % 2 == 1 {
                let id = opened["session"]["id"].as_str().unwrap_or_default();
                let close = Prepared::post(&format!("/api/admin/sessions/{id}/close"), Some(self.admin), "{}");
                exchange(&mut connection, &close).await?;
            }
        }
        crate::bench::rounds::rest(self.stack.pid(), settle).await;
        let stamps = ours.stamps().await?;
        let mut latencies = Histogram::default();
        for arrival in crowd.leave().await?.into_iter().flatten() {
            if let Some(made_us) = stamps.get(&arrival.number) {
                latencies.record(Duration::from_micros(u64::try_from(arrival.at_us - made_us).unwrap_or(0)));
            }
        }
        anyhow::ensure!(latencies.count() > 0, "no end of a session was told");
        Ok(latencies)
    }
}

async fn exchange(connection: &mut Connection, request: &Prepared) -> anyhow::Result<Value> {
    let answer = connection.exchange(request).await?;
    anyhow::ensure!(answer.is_success(), "{}", answer.told());
    Ok(serde_json::from_slice(answer.body)?)
}
