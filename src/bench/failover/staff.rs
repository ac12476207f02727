//! Everybody who is at work: signed in, each with an open session on the log.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Context as _;
use bus_schemas::Partition;
use tokio::task::JoinSet;

use super::client::Client;
use crate::bench::crew;
use crate::bench::factory::Factory;
use crate::bench::load::dealt;
use crate::bench::seed::Seeded;
use crate::bench::wire::{Connection, Prepared};

/// Connections on which they sign in.
const DOORS: usize = 8;

/// The staff. A client is taken out while it is at work, and put back.
pub struct Staff {
    clients: BTreeMap<usize, Client>,
    by_partition: BTreeMap<Partition, Vec<usize>>,
}

/// Who of a factory signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody.
    All,
    /// One of each partition.
    OneOfEach,
}

impl Staff {
    /// Signs them in at the gateways in turn.
    ///
    /// # Errors
    /// One of them is refused.
    pub async fn sign_in(
        gateways: &[SocketAddr],
        factory: &Factory,
        seeded: &Seeded,
        who: Who,
    ) -> anyhow::Result<Self> {
        for gateway in gateways {
            let mut connection = Connection::open(*gateway).await?;
            crew::wait_until_known(&mut connection, factory.workers.len() - 1).await?;
        }
        let mut by_partition: BTreeMap<Partition, Vec<usize>> = BTreeMap::new();
        for (index, worker) in factory.workers.iter().enumerate() {
            let all = by_partition.entry(Partition::of(*worker)).or_default();
            if who == Who::All || all.is_empty() {
                all.push(index);
            }
        }
        let mut tokens = sign_in(gateways, by_partition.values().flatten().copied().collect()).await?;
        let mut clients = BTreeMap::new();
        for &index in by_partition.values().flatten() {
            let token = tokens.remove(&index).context("everybody has signed in")?;
            let gateway = gateways[index % gateways.len()];
            let (worker, session) = (factory.workers[index], seeded.sessions[index]);
            clients.insert(index, Client::new(index, worker, gateway, token, session));
        }
        Ok(Self { clients, by_partition })
    }

    /// Takes the `rank`-th worker of each of these partitions; a partition without so many gives none.
    pub fn take(&mut self, partitions: &[Partition], rank: usize) -> Vec<Client> {
        let of = |partition| self.by_partition.get(partition).and_then(|all| all.get(rank)).copied();
        let indices: Vec<usize> = partitions.iter().filter_map(of).collect();
        indices.iter().filter_map(|index| self.clients.remove(index)).collect()
    }

    /// Puts them back.
    pub fn put_back(&mut self, clients: impl IntoIterator<Item = Client>) {
        self.clients.extend(clients.into_iter().map(|client| (client.index, client)));
    }

    /// Everybody who is not taken out.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &Client> {
        self.clients.values()
    }

    /// The heartbeats of all, by gateway.
    pub fn beats(&self) -> BTreeMap<SocketAddr, Vec<Prepared>> {
        let mut beats: BTreeMap<SocketAddr, Vec<Prepared>> = BTreeMap::new();
        for client in self.all() {
            beats.entry(client.gateway()).or_default().push(client.beat());
        }
        beats
    }
}

async fn sign_in(gateways: &[SocketAddr], indices: Vec<usize>) -> anyhow::Result<BTreeMap<usize, String>> {
    let mut doors = JoinSet::new();
    for (door, indices) in dealt(indices, DOORS).into_iter().enumerate() {
        let gateway = gateways[door % gateways.len()];
        doors.spawn(async move {
            let mut connection = Connection::open(gateway).await?;
            let mut tokens = Vec::with_capacity(indices.len());
            for index in indices {
                tokens.push((index, crew::login(&mut connection, index).await?));
            }
            anyhow::Ok(tokens)
        });
    }
    let mut tokens = BTreeMap::new();
    while let Some(signed_in) = doors.join_next().await {
        tokens.extend(signed_in.context("a door has failed")??);
    }
    Ok(tokens)
}
