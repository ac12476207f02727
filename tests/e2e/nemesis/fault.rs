//! What can be done to a process or a link, and how it is undone.

use std::fmt;

use crate::harness::Cluster;

/// Engines of the cluster.
pub const ENGINES: [&str; 3] = ["engine-1", "engine-2", "engine-3"];
/// Its gateways.
pub const GATEWAYS: [&str; 2] = ["gateway-1", "gateway-2"];
/// Its nats-servers.
pub const SERVERS: [&str; 3] = ["nats-1", "nats-2", "nats-3"];
/// Its persistence processes.
pub const PROJECTORS: [&str; 2] = ["persistence-1", "persistence-2"];
/// Its Postgres.
pub const POSTGRES: [&str; 1] = ["postgres"];
/// All kinds of processes.
pub const KINDS: [&[&str]; 5] = [&ENGINES, &GATEWAYS, &SERVERS, &PROJECTORS, &POSTGRES];

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Killed (SIGKILL); undone by starting it again.
    Kill,
    /// Frozen (SIGSTOP); undone by SIGCONT.
    Freeze,
    /// All its links are cut; undone by healing them: what was held arrives.
    Cut,
    /// All its links are slow: so many milliseconds each way.
    Delay(u32),
}

/// A deed, and to which process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub deed: Deed,
    /// To whom.
    pub target: &'static str,
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.deed, self.target)
    }
}

impl Fault {
    /// Of this deed.
    pub const fn new(deed: Deed, target: &'static str) -> Self {
        Self { deed, target }
    }

    /// Whether a beat that was answered `ok` a moment before may be lost with it: a gateway holds it for 100 ms.
    pub fn loses_beats(&self) -> bool {
        GATEWAYS.contains(&self.target)
    }

    /// Does it.
    pub async fn begin(&self, cluster: &Cluster) {
        let order = match self.deed {
            Deed::Kill => format!("kill {}", self.target),
            Deed::Freeze => format!("stop {}", self.target),
            Deed::Cut => format!("cut {}", self.target),
            Deed::Delay(by) => format!("delay {} {by}", self.target),
        };
        must(cluster, &order).await;
    }

    /// Undoes it.
    pub async fn end(&self, cluster: &Cluster) {
        let order = match self.deed {
            Deed::Kill => format!("start {}", self.target),
            Deed::Freeze => format!("cont {}", self.target),
            Deed::Cut | Deed::Delay(_) => format!("heal {}", self.target),
        };
        must(cluster, &order).await;
    }
}

/// Gives an order that must be obeyed.
pub async fn must(cluster: &Cluster, order: &str) {
    cluster.tell(order).await.unwrap_or_else(|why| panic!("{order}: {why}"));
}
