//! What every case begins with: a cluster with everybody at work, whole and at rest.

use std::time::Duration;

use andon_nats::Bus;
use anyhow::Context as _;
use bus_schemas::{Partition, subject};
use tokio::time::Instant;

use super::beats::Beats;
use super::owners::Owners;
use super::site::{self, Site};
use super::staff::{Staff, Who};
use super::wait::until;
use crate::backends::NatsRole;
use crate::bench::factory::Factory;
use crate::bench::seed;
use crate::config::Config;

/// A cluster comes to rest within this after a fault, or something is wrong.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);
/// The sessions that were written at once are projected within this: 100 000 take some ten seconds of a quiet machine.
const PROJECTED_WITHIN: Duration = Duration::from_secs(180);
/// Time for one question to the log.
const WITHIN: Duration = Duration::from_secs(10);

/// A cluster with everybody at work.
pub struct Scene {
    /// Declared first: what looks on ends before what it looks at.
    pub beats: Option<Beats>,
    /// Who owns what.
    pub owners: Owners,
    /// Who works.
    pub staff: Staff,
    /// A connection of the bench's own.
    pub bus: Bus,
    /// The first sequence of the sessions; what lies before are claims.
    pub from_seq: u64,
    /// Bytes of one session's state on the log.
    pub bytes_each: f64,
    /// The cluster.
    pub site: Site,
}

impl Scene {
    /// Starts a cluster, opens so many sessions and signs workers in. When all of them are signed in, they beat.
    ///
    /// # Errors
    /// Something does not work.
    pub async fn begin(config: &Config, idle_timeout: &str, sessions: usize, who: Who) -> anyhow::Result<Self> {
        let site = Site::start(config, idle_timeout).await?;
        let bus = site.bus(NatsRole::Gateway).await?;
        let factory = Factory::make(&bus, sessions).await?;
        let from_seq = bus.stream_info(subject::STREAM_LOG, WITHIN).await?.last_seq + 1;
        let seeded = seed::sessions(&site.bus(NatsRole::Engine).await?, &factory).await?;
        let staff = Staff::sign_in(site.gateways(), &factory, &seeded, who).await?;
        let beats = (who == Who::All).then(|| Beats::start(staff.beats()));
        let owners = Owners::follow(bus.clone());
        let scene = Self { beats, owners, staff, bus, from_seq, bytes_each: seeded.bytes_each, site };
        scene.is_projected().await?;
        scene.settle().await?;
        Ok(scene)
    }

    /// Waits until Postgres has what the log holds now.
    ///
    /// # Errors
    /// It has not in time.
    pub async fn is_projected(&self) -> anyhow::Result<()> {
        let last = self.bus.stream_info(subject::STREAM_LOG, WITHIN).await?.last_seq;
        let url = self.site.database_url()?.context("a cluster has a Postgres")?;
        let projected = persistence::proof::comes_to(&url, last, PROJECTED_WITHIN).await?;
        anyhow::ensure!(projected, "the log is not projected within {PROJECTED_WITHIN:?}");
        Ok(())
    }

    /// Waits until every node has its share and nothing moves, every copy of the log is whole, and the gateways serve.
    ///
    /// # Errors
    /// That does not happen.
    pub async fn settle(&self) -> anyhow::Result<()> {
        until("everything is where it belongs and serves", SETTLED_WITHIN, async || {
            let settled = self.owners.now().is_settled(Instant::now());
            Ok(settled && site::is_whole(&self.bus).await && self.site.is_ready().await)
        })
        .await
    }

    /// Every partition.
    pub fn everywhere() -> Vec<Partition> {
        Partition::all().collect()
    }
}
