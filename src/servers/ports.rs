//! Ports for private servers and for a cluster's processes: below those that the kernel gives to outgoing connections and
//! to links, so that none of them takes one while its process is down.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::Path;

use rand::Rng as _;

use super::ServersError;

const RANGE: Range<u16> = 12_000..32_000;
/// A free one is found at once unless the machine is full.
const TRIES: usize = 1_000;

/// The ports that were given out.
#[derive(Default)]
pub struct Ports(HashSet<u16>);

impl Ports {
    /// A free port of the loopback address, and never the same twice; the asked one where it is not 0. Somebody else may
    /// take it before its process does: whoever starts that tries again then.
    ///
    /// # Errors
    /// None is free.
    pub fn free(&mut self, asked: u16) -> Result<u16, ServersError> {
        if asked != 0 {
            self.0.insert(asked);
            return Ok(asked);
        }
        let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
        let mut random = std::iter::repeat_with(|| rand::rng().random_range(RANGE)).take(TRIES);
        let found = random.find(|port| !self.0.contains(port) && free(port));
        let port = found
            .ok_or_else(|| ServersError::file(Path::new("127.0.0.1"), std::io::Error::other("no port is free")))?;
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

    #[test]
    fn none_is_one_that_the_kernel_gives_to_others() {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").expect("Linux");
        let lowest: u16 = range.split_whitespace().next().expect("two numbers").parse().expect("a port");
        // As Linux comes; who sets another range wants it so.
        if lowest == 32_768 {
            let mut ports = Ports::default();
            assert!((0..50).all(|_| ports.free(0).expect("a port") < lowest));
        }
    }
}
