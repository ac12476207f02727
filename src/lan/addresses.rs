//! What this machine is called on its network: its name and its addresses.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// Networks that any local authority may speak for: private, shared and link-local ones, and the machine itself.
pub const PRIVATE: [&str; 8] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "::1/128",
];

/// Names and addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The host's name, fit for a certificate.
    pub host: String,
    /// Its addresses, the loopback one among them.
    pub addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// As it is now.
    pub fn now() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let found = nix::ifaddrs::getifaddrs().into_iter().flatten().filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::from(address.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::from(address.ip())))
        });
        Self::of(&host, found)
    }

    fn of(host: &str, addresses: impl Iterator<Item = IpAddr>) -> Self {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        Self { host: host_label(host), addresses: addresses.filter(can_be_typed).chain([loopback]).collect() }
    }

    /// Those addresses that are in no private network.
    pub fn public(&self) -> BTreeSet<IpAddr> {
        self.addresses.iter().copied().filter(|address| !is_private(address)).collect()
    }

    /// Every name of the host: bare, and as mDNS announces it.
    pub fn of_host(&self) -> [String; 2] {
        [self.host.clone(), format!("{}.local", self.host)]
    }

    /// What a person types on a tablet, addresses first: they work where nothing resolves names.
    pub fn to_type(&self) -> Vec<String> {
        let reached = self.addresses.iter().filter(|address| !address.is_loopback());
        let typed = reached.map(|address| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        });
        typed.chain(self.of_host()).collect()
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.of_host().join(", "))?;
        self.addresses.iter().try_for_each(|address| write!(f, ", {address}"))
    }
}

/// The first label of a host's name, reduced to what a certificate may hold.
fn host_label(name: &str) -> String {
    let label = name.trim().split('.').next().unwrap_or_default().to_ascii_lowercase();
    let label: String = label.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(63).collect();
    let label = label.trim_matches('-');
    if label.is_empty() { "andon".into() } else { label.into() }
}

/// A link-local address of IPv6 is nothing without the name of an interface, which differs on every machine.
fn can_be_typed(address: &IpAddr) -> bool {
    !matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

fn is_private(address: &IpAddr) -> bool {
    let networks = PRIVATE.iter().filter_map(|network| network.parse::<ipnet::IpNet>().ok());
    networks.into_iter().any(|network| network.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_called_by_what_a_certificate_may_hold() {
        for (name, label) in [
            ("Shop-1\n", "shop-1"),
            ("shop.example.com", "shop"),
            ("-a_b-", "ab"),
            ("\u{5de}\u{5e4}\u{5e2}\u{5dc}", "andon"),
            ("", "andon"),
        ] {
            assert_eq!(host_label(name), label, "{name:?}");
        }
    }

    #[test]
    fn what_can_be_reached_from_elsewhere_is_typed() {
        let found = ["203.0.113.7", "192.168.1.20", "fd00::2", "fe80::1", "127.0.0.1"];
        let names = Names::of("shop", found.into_iter().map(|address| address.parse().expect("an address")));
        assert_eq!(names.to_type(), ["192.168.1.20", "203.0.113.7", "[fd00::2]", "shop", "shop.local"]);
        assert_eq!(names.to_string(), "shop, shop.local, 127.0.0.1, 192.168.1.20, 203.0.113.7, fd00::2");
        assert_eq!(names.public(), ["203.0.113.7".parse().expect("an address")].into());
    }

    #[test]
    fn this_machine_has_a_loopback_address() {
        assert!(Names::now().addresses.contains(&IpAddr::from(Ipv4Addr::LOCALHOST)));
        assert!(PRIVATE.iter().all(|network| network.parse::<ipnet::IpNet>().is_ok()));
    }
}
