//! What the gateway role is told.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use andon_nats::NatsConfig;
use ipnet::IpNet;
use url::Url;

use crate::server::tls::LiveCertificate;

/// A certificate chain and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain, the server's certificate first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// A second place to listen at: https for a network, by a certificate of a local authority.
#[derive(Clone, Debug)]
pub struct Lan {
    /// Where; port 0 picks a free one.
    pub addr: SocketAddr,
    /// The certificate; whoever has it may replace it.
    pub certificate: LiveCertificate,
    /// The authority's own certificate as PEM, for those who want to trust it.
    pub authority: String,
}

/// How a gateway runs.
#[derive(Clone)]
pub struct GatewayConfig {
    /// How to reach NATS.
    pub nats: NatsConfig,
    /// Where to listen; port 0 picks a free one.
    pub http_addr: SocketAddr,
    /// For https.
    pub tls: Option<Tls>,
    /// Https for a network besides.
    pub lan: Option<Lan>,
    /// Key that signs tokens, the same for all gateways; at least 32 bytes.
    pub secret: Vec<u8>,
    /// Silence after which a session is closed; the engine's own.
    pub idle_timeout: Duration,
    /// Length after which a session is shown as forgotten.
    pub max_session: Duration,
    /// The address people type.
    pub public_url: Option<Url>,
    /// Further origins whose pages may use cookies here.
    pub allowed_origins: Vec<String>,
    /// Networks whose `X-Forwarded-For` and `-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Worker codes are accepted only from browsers that an admin has enrolled.
    pub require_enrolled_device: bool,
    /// Postgres, for history and accounts; without it both are unavailable.
    pub database_url: Option<String>,
}

/// Without secrets: a config ends up in logs.
impl std::fmt::Debug for GatewayConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayConfig")
            .field("nats", &self.nats)
            .field("http_addr", &self.http_addr)
            .field("tls", &self.tls)
            .field("lan", &self.lan)
            .field("idle_timeout", &self.idle_timeout)
            .field("max_session", &self.max_session)
            .field("public_url", &self.public_url.as_ref().map(Url::as_str))
            .field("allowed_origins", &self.allowed_origins)
            .field("trusted_proxies", &self.trusted_proxies)
            .finish_non_exhaustive()
    }
}
