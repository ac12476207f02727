//! Ports for a cluster's processes: below those that the kernel gives to outgoing connections and to links, so that none
//! of them takes one while its process is down.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

use anyhow::Context as _;
use rand::Rng as _;

const RANGE: Range<u16> = 12_000..32_000;
/// A free one is found at once unless the machine is full.
const TRIES: usize = 1_000;

/// The ports that were given out.
#[derive(Default)]
pub struct Ports(HashSet<u16>);

impl Ports {
    /// A free port, and never the same twice; the asked one where it is not 0.
    ///
    /// # Errors
    /// None is free.
    pub fn free(&mut self, asked: u16) -> anyhow::Result<u16> {
        if asked != 0 {
            return Ok(asked);
        }
        let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
        let mut random = std::iter::repeat_with(|| rand::rng().random_range(RANGE)).take(TRIES);
        let port = random.find(|port| !self.0.contains(port) && free(port)).context("no port is free")?;
        self.0.insert(port);
        Ok(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice_and_what_listens_is_not_free() {
        let mut ports = Ports::default();
        let first = ports.free(0).expect("a port");
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).expect("it is free");
        let more: Vec<_> = (0..50).map(|_| ports.free(0).expect("a port")).collect();
        assert!(!more.contains(&first));
        assert_eq!(more.iter().collect::<HashSet<_>>().len(), more.len());
        assert_eq!(ports.free(4222).expect("as asked"), 4222);
    }
}
