//! Which NATS and which Postgres the roles of this process use: given ones, or the private ones of `andon up`. From
//! here on a role cannot tell the difference.

use andon_nats::NatsConfig;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::config::{Config, NatsSettings, NatsUrl};
use crate::running::Addresses;
use crate::servers::installation::{self, NatsPasswords};
use crate::servers::{Installation, PrivateServers};

/// A role on NATS: the name of its user on the private server, and the end of its inbox prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NatsRole {
    /// Alone may publish events and claims.
    Engine,
    /// Sends commands and heartbeats, edits the directory.
    Gateway,
    /// Alone may purge.
    Persistence,
    /// Makes streams and consumers.
    Operator,
    /// Reads what is made for it, from an account of its own.
    Integrator,
}

impl NatsRole {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Gateway => "gateway",
            Self::Persistence => "persistence",
            Self::Operator => "operator",
            Self::Integrator => "integrator",
        }
    }

    /// Its password on the private server.
    pub fn password(self, passwords: &NatsPasswords) -> &str {
        match self {
            Self::Engine => &passwords.engine,
            Self::Gateway => &passwords.gateway,
            Self::Persistence => &passwords.persistence,
            Self::Operator => &passwords.operator,
            Self::Integrator => &passwords.integrator,
        }
    }
}

/// The servers in use.
#[derive(Clone)]
pub struct Backends {
    nats: NatsConfig,
    /// On the private server each role has a user of its own, named like it. A given server's address carries the
    /// credentials of the one role that runs here.
    passwords: Option<NatsPasswords>,
    /// Postgres, credentials included; none when a role runs without.
    pub database_url: Option<String>,
}

impl Backends {
    /// The servers that the configuration names, for a role on its own.
    pub fn given(config: &Config) -> Self {
        let url = config.nats.url.as_ref();
        Self {
            nats: nats_at(url.map(addresses).unwrap_or_default(), &config.nats, url.map(|url| &url.first)),
            passwords: None,
            database_url: config.postgres.url.as_ref().map(Url::to_string),
        }
    }

    /// Servers of our own, with a user for each role.
    pub const fn of(nats: NatsConfig, passwords: NatsPasswords, database_url: String) -> Self {
        Self { nats, passwords: Some(passwords), database_url: Some(database_url) }
    }

    /// The same, with the private servers where none is named.
    pub fn with_private(config: &Config, servers: &PrivateServers, installation: &Installation) -> Self {
        let mut backends = Self::given(config);
        if let Some(nats) = &servers.nats {
            backends.passwords = Some(installation.nats_passwords.clone());
            backends.nats.url = nats.url();
            backends.nats.monitor_url = Some(nats.monitor_url());
            backends.nats.log_max_bytes.get_or_insert(installation.log_max_bytes);
        }
        if let Some(postgres) = &servers.postgres {
            backends.database_url = Some(postgres.url().to_owned());
        }
        backends
    }

    /// The servers for a command beside a running system: those that the configuration names, else those of the
    /// `andon up` that runs in the data directory.
    ///
    /// # Errors
    /// Neither is there, or its files cannot be read.
    pub fn beside(config: &Config) -> anyhow::Result<Self> {
        let mut backends = Self::given(config);
        let missing = (config.nats.url.is_none(), config.postgres.url.is_none());
        if missing == (false, false) {
            return Ok(backends);
        }
        let Some(running) = Addresses::read(&config.data_dir)? else {
            anyhow::bail!(
                "no `andon up` runs in {}: start it, name its directory with --data-dir, \
                 or name servers with --nats-url and --database-url",
                config.data_dir.display()
            );
        };
        if missing.0 {
            let installation = Installation::read(&installation::file(&config.data_dir))?;
            backends.passwords = Some(installation.nats_passwords);
            backends.nats.url = running.nats_url;
            backends.nats.monitor_url = running.nats_monitor_url;
        }
        if missing.1 {
            backends.database_url = running.database_url;
        }
        Ok(backends)
    }

    /// The same for a command that has no business with Postgres.
    ///
    /// # Errors
    /// See [`Backends::beside`].
    pub fn nats_beside(config: &Config) -> anyhow::Result<Self> {
        if config.nats.url.is_some() { Ok(Self::given(config)) } else { Self::beside(config) }
    }

    /// How `role` reaches NATS.
    pub fn nats(&self, role: NatsRole) -> NatsConfig {
        let mut nats = self.nats.clone();
        if let Some(passwords) = &self.passwords {
            nats.user = Some(role.name().to_owned());
            nats.password = Some(role.password(passwords).to_owned());
        }
        nats
    }
}

fn nats_at(address: String, settings: &NatsSettings, url: Option<&Url>) -> NatsConfig {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    NatsConfig {
        url: address,
        user: url.map(Url::username).filter(|user| !user.is_empty()).map(decoded),
        password: url.and_then(Url::password).map(decoded),
        ca: settings.ca.clone(),
        monitor_url: settings.monitor_url.as_ref().map(Url::to_string),
        unchecked_log: settings.unchecked_log,
        replicas: settings.replicas,
        log_max_bytes: settings.log_max_bytes,
    }
}

/// The servers, separated by commas.
fn addresses(url: &NatsUrl) -> String {
    let servers = std::iter::once(&url.first).chain(&url.others).map(without_credentials);
    servers.collect::<Vec<_>>().join(",")
}

/// An address without user and password, which would otherwise end up in error messages.
fn without_credentials(url: &Url) -> String {
    let mut url = url.clone();
    let _host_is_there = url.set_username("");
    let _host_is_there = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_address_decoded() {
        let parse = |text| Url::parse(text).expect("an address");
        let first = parse("nats://factory:p%40ss@nats.example:4222");
        let url = NatsUrl { first, others: vec![parse("nats://other.example:4222")] };
        let settings = NatsSettings {
            url: Some(url.clone()),
            ca: Some("ca.pem".into()),
            monitor_url: None,
            unchecked_log: true,
            port: 0,
            binary: None,
            log_max_bytes: None,
            replicas: 3,
        };
        let nats = nats_at(addresses(&url), &settings, Some(&url.first));
        assert_eq!(nats.url, "nats://nats.example:4222,nats://other.example:4222");
        assert_eq!(nats.user.as_deref(), Some("factory"));
        assert_eq!(nats.password.as_deref(), Some("p@ss"));
        assert_eq!(nats.replicas, 3);
        assert_eq!(nats.ca, Some("ca.pem".into()));
    }
}
