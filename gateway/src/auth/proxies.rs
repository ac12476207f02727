//! Where a request comes from, when proxies stand between.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

/// The other end of the connection, as the accept loop saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// It speaks TLS to us.
    pub tls: bool,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address; none when a trusted proxy does not tell.
    pub address: Option<IpAddr>,
    /// It speaks https to us or to the trusted proxy.
    pub https: bool,
}

/// Finds the client: believes `X-Forwarded-For` and `-Proto` only of proxies in the trusted networks.
#[must_use]
pub fn client(peer: Option<Peer>, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
    let Some(peer) = peer else { return Client { address: None, https: false } };
    let address = peer.address.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    if !is_trusted(address) {
        return Client { address: Some(address), https: peer.tls };
    }
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    // From our side outwards: the first address that is not one of our proxies. What stands left of it, anybody wrote.
    let found = forwarded.iter().rev().map(|text| text.parse::<IpAddr>().map(|ip| ip.to_canonical()).ok());
    let address = found.take_while(Option::is_some).flatten().find(|address| !is_trusted(*address));
    let proto = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    Client { address, https: proto.map_or(peer.tls, |proto| proto.eq_ignore_ascii_case("https")) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::direct("192.0.2.9", &[], Some("192.0.2.9"), false)]
    #[case::direct_that_lies("192.0.2.9", &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https")], Some("192.0.2.9"), false)]
    #[case::by_proxy("10.0.0.1", &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https")], Some("1.1.1.1"), true)]
    #[case::two_proxies("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, 1.1.1.1, 10.0.0.2")], Some("1.1.1.1"), false)]
    #[case::proxy_that_is_silent("10.0.0.1", &[], None, false)]
    #[case::garbage("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, unknown")], None, false)]
    #[case::mapped("::ffff:10.0.0.1", &[("x-forwarded-for", "1.1.1.1")], Some("1.1.1.1"), false)]
    fn only_trusted_proxies_are_believed(
        #[case] peer: &str,
        #[case] said: &[(&'static str, &'static str)],
        #[case] address: Option<&str>,
        #[case] https: bool,
    ) {
        let headers =
            said.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
        let headers = HeaderMap::from_iter(headers);
        let peer = Peer { address: peer.parse().unwrap(), tls: false };
        let expected = Client { address: address.map(|address| address.parse().unwrap()), https };
        assert_eq!(client(Some(peer), &headers, &["10.0.0.0/8".parse().unwrap()]), expected);
    }
}
