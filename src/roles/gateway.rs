//! The gateway as a role of this process.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;
use gateway::{GatewayConfig, GatewayHandle, Tls};

use super::{DRAIN_LIMIT, Future, Role};
use crate::backends::{Backends, NatsRole};
use crate::config::Config;
use crate::lan::Lan;
use crate::servers::installation::token_key;

/// How often it is asked whether it is ready.
const READY_POLL: Duration = Duration::from_millis(50);

/// A running gateway.
pub struct Gateway {
    handle: GatewayHandle,
    https: bool,
    /// What is said besides when it is ready.
    for_tablets: Option<String>,
}

impl Gateway {
    /// Starts it; with `lan`, for a network besides.
    ///
    /// # Errors
    /// The address cannot be bound, NATS cannot be reached, or a file of the configuration cannot be used.
    pub async fn start(config: &Config, backends: &Backends, lan: Option<&Lan>) -> anyhow::Result<Self> {
        let gateway = gateway::start(GatewayConfig {
            nats: backends.nats(NatsRole::Gateway),
            http_addr: config.http_addr,
            tls: config.tls.as_ref().map(|tls| Tls { cert: tls.cert.clone(), key: tls.key.clone() }),
            lan: lan.map(Lan::for_gateway),
            secret: token_key(config.secret_file.as_deref(), &config.data_dir)?,
            idle_timeout: config.idle_timeout,
            max_session: config.max_session,
            public_url: config.public_url.clone(),
            allowed_origins: config.allowed_origins.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            require_enrolled_device: config.require_enrolled_device,
            database_url: backends.database_url.clone(),
        });
        let handle = gateway.await.context("the gateway cannot start")?;
        let for_tablets = lan.zip(handle.lan_addr()).map(|(lan, address)| lan.told(address.port()));
        Ok(Self { handle, https: config.tls.is_some(), for_tablets })
    }

    /// The address to type on this machine.
    pub fn url(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", here(self.handle.local_addr()))
    }

    /// Says on stdout that it is ready, once, as soon as nothing is missing: `GET /readyz` answers 200 then.
    async fn announce(&self) {
        while !self.handle.unready().is_empty() {
            tokio::time::sleep(READY_POLL).await;
        }
        let _stdout_is_closed = writeln!(std::io::stdout(), "ready {}", self.url());
        if let Some(text) = &self.for_tablets {
            let _stdout_is_closed = writeln!(std::io::stdout(), "{text}");
        }
    }
}

impl Role for Gateway {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn watch(&self) -> Future<'_, anyhow::Error> {
        Box::pin(async {
            let mut failed = pin!(self.handle.failed());
            let failure = tokio::select! {
                failure = &mut failed => failure,
                () = self.announce() => failed.await,
            };
            failure.into()
        })
    }

    fn drain(self: Box<Self>) -> Future<'static, ()> {
        Box::pin(async move { self.handle.drain(DRAIN_LIMIT).await })
    }
}

/// Where to connect from this machine to what listens on `address`, which may stand for every address it has.
fn here(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stands_for_all_is_reached_on_the_loopback_one() {
        let on = |text: &str| here(text.parse().expect("an address")).to_string();
        assert_eq!(on("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(on("[::]:8080"), "[::1]:8080");
        assert_eq!(on("192.0.2.7:8080"), "192.0.2.7:8080");
    }
}
