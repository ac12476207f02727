//! Several gateways to one system: who is not served at one goes to the next, as a tablet behind a load balancer does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Client;

/// The same client at each gateway.
#[derive(Debug, Clone)]
pub struct Ways {
    clients: Arc<[Client]>,
    now: Arc<AtomicUsize>,
}

impl Ways {
    /// By these gateways, beginning with this one of them.
    pub fn new(client: &Client, gateways: &[String], first: usize) -> Self {
        let clients = gateways.iter().map(|gateway| client.clone().at(gateway.clone())).collect();
        Self { clients, now: Arc::new(AtomicUsize::new(first)) }
    }

    /// The way to take.
    pub fn now(&self) -> &Client {
        &self.clients[self.now.load(Ordering::Relaxed) % self.clients.len()]
    }

    /// It led nowhere: the next one.
    pub fn next(&self) {
        self.now.fetch_add(1, Ordering::Relaxed);
    }
}

impl From<Client> for Ways {
    fn from(client: Client) -> Self {
        Self { clients: Arc::new([client]), now: Arc::default() }
    }
}
