//! The configuration: flags over `ANDON_*` variables over `andon.toml` over defaults, read once, checked as a whole.
//!
//! Every problem is found before anything is bound or started, and all of them are told at once.

pub mod keys;
mod layers;
mod parse;
mod print;
mod secret;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use keys::Key;
use layers::Layers;
pub use print::print;
pub use secret::Secret;

/// What the chosen command cannot do without; the private servers of `andon up` provide both by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// An address of an existing nats-server must be given.
    pub nats: bool,
    /// An address of an existing Postgres must be given.
    pub database: bool,
    /// It stands beside roles that run elsewhere and have checked the log: it need not know where that can be seen.
    pub log_is_checked: bool,
}

impl Needs {
    /// A command beside a running system.
    pub const BESIDE: Self = Self { nats: false, database: false, log_is_checked: true };
}

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where private servers and generated secrets live; absolute.
    pub data_dir: PathBuf,
    /// Address of the gateway.
    pub http_addr: SocketAddr,
    /// Address of the metrics, where one was named.
    pub metrics_addr: Option<SocketAddr>,
    /// The nats-server.
    pub nats: NatsSettings,
    /// The Postgres.
    pub postgres: PostgresSettings,
    /// How long a session may be silent.
    pub idle_timeout: Duration,
    /// When a session counts as forgotten.
    pub max_session: Duration,
    /// How long events stay on the log.
    pub retention: Duration,
    /// Name of this engine node.
    pub node_id: String,
    /// File with the key that signs tokens, where one was named.
    pub secret_file: Option<PathBuf>,
    /// Password of the first account, where one was given.
    pub admin_password: Option<Secret>,
    /// Certificate and key for https.
    pub tls: Option<TlsFiles>,
    /// The address that people type.
    pub public_url: Option<Url>,
    /// Further origins whose pages may use cookies.
    pub allowed_origins: Vec<String>,
    /// Networks whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether worker codes are accepted only from browsers that an admin has enrolled.
    pub require_enrolled_device: bool,
    /// How and what is logged.
    pub logging: LogSettings,
    /// What deserves a word at start-up but stops nothing.
    pub warnings: Vec<String>,
}

/// Which nats-server, and what it is asked to keep.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// An existing server; `None` starts a private one.
    pub url: Option<NatsUrl>,
    /// Authorities that may have signed its certificate, where they were named.
    pub ca: Option<PathBuf>,
    /// Its monitoring address.
    pub monitor_url: Option<Url>,
    /// Whether to go without the check of `sync_interval`.
    pub unchecked_log: bool,
    /// Port of the private server; 0 is any free one.
    pub port: u16,
    /// The binary, where one was named.
    pub binary: Option<PathBuf>,
    /// Size of the log in bytes, where one was given.
    pub log_max_bytes: Option<u64>,
    /// Copies of the log.
    pub replicas: usize,
}

/// An existing nats-server, or several that are one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsUrl {
    /// The first of them, with the credentials for all.
    pub first: Url,
    /// The others.
    pub others: Vec<Url>,
}

/// Which Postgres.
#[derive(Debug, Clone)]
pub struct PostgresSettings {
    /// An existing database; `None` starts a private one.
    pub url: Option<Url>,
    /// Port of the private server; 0 is any free one.
    pub port: u16,
    /// The directory of the binaries, where one was named.
    pub binaries: Option<PathBuf>,
}

/// The two files of https.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// Certificate chain in PEM.
    pub cert: PathBuf,
    /// Private key in PEM.
    pub key: PathBuf,
}

/// How and what is logged.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// A tracing filter.
    pub filter: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

/// Everything that is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {}:\n{}", count(problems.len()), list(problems))]
pub struct ConfigError {
    problems: Vec<String>,
}

fn count(problems: usize) -> String {
    let plural = if problems == 1 { "" } else { "s" };
    format!("{problems} problem{plural}")
}

fn list(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("  - {problem}")).collect::<Vec<_>>().join("\n")
}

/// Takes one value after another out of the layers and remembers what was wrong.
struct Reader<'a> {
    layers: &'a Layers,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn get<T>(&mut self, key: &Key, parse: fn(&str) -> Result<T, parse::Refused>) -> Option<T> {
        let found = self.layers.find(key).map_err(|problem| self.problems.push(problem)).ok()??;
        let shown = if key.secret { String::new() } else { format!(" = {:?}", found.text) };
        parse(&found.text)
            .map_err(|refused| {
                let problem = format!("{}{shown} (from {}): {refused}", key.name, found.source);
                self.problems.push(problem);
            })
            .ok()
    }

    fn need(&mut self, key: &Key, why: &str) {
        if matches!(self.layers.find(key), Ok(None)) {
            let (flag, variable) = (key.flag(), key.variable());
            self.problems.push(format!("{} is missing: {why} (--{flag} or {variable})", key.name));
        }
    }
}

impl Config {
    /// Reads and checks everything. `flags` holds what stands on the command line, `file` is `--config`.
    ///
    /// # Errors
    /// All problems at once.
    pub fn load(
        flags: BTreeMap<&'static str, String>,
        file: Option<PathBuf>,
        needs: Needs,
    ) -> Result<Self, ConfigError> {
        Self::from_layers(&Layers::gather(flags, file, std::env::vars_os()), needs)
    }

    fn from_layers(layers: &Layers, needs: Needs) -> Result<Self, ConfigError> {
        let problems = layers.problems.clone();
        let mut reader = Reader { layers, problems };
        let mut config = Self::read(&mut reader);
        config.warnings.clone_from(&layers.warnings);
        check_together(&mut reader, &config, needs);
        match reader.problems {
            problems if problems.is_empty() => Ok(config),
            problems => Err(ConfigError { problems }),
        }
    }

    /// What stands in for a refused value is never used: a refusal ends in an error.
    fn read(reader: &mut Reader<'_>) -> Self {
        let unset_address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            data_dir: absolute(reader.get(&keys::DATA_DIR, parse::path).unwrap_or_default()),
            http_addr: reader.get(&keys::HTTP_ADDR, parse::address).unwrap_or(unset_address),
            metrics_addr: reader.get(&keys::METRICS_ADDR, parse::address),
            nats: NatsSettings::read(reader),
            postgres: PostgresSettings::read(reader),
            idle_timeout: reader.get(&keys::IDLE_TIMEOUT, parse::idle_timeout).unwrap_or_default(),
            max_session: reader.get(&keys::MAX_SESSION, parse::duration).unwrap_or_default(),
            retention: reader.get(&keys::RETENTION, parse::retention).unwrap_or_default(),
            node_id: reader.get(&keys::NODE_ID, parse::node_id).unwrap_or_else(host_name),
            secret_file: reader.get(&keys::SECRET_FILE, parse::readable_file),
            admin_password: reader.get(&keys::ADMIN_PASSWORD, secret::admin_password),
            tls: TlsFiles::read(reader),
            public_url: reader.get(&keys::PUBLIC_URL, parse::http_url),
            allowed_origins: reader.get(&keys::ALLOWED_ORIGINS, parse::origins).unwrap_or_default(),
            trusted_proxies: reader.get(&keys::TRUSTED_PROXIES, parse::networks).unwrap_or_default(),
            require_enrolled_device: reader.get(&keys::REQUIRE_ENROLLED_DEVICE, parse::truth).unwrap_or_default(),
            logging: LogSettings::read(reader),
            warnings: Vec::new(),
        }
    }
}

impl NatsSettings {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            url: reader.get(&keys::NATS_URL, parse::nats_url),
            ca: reader.get(&keys::NATS_CA, parse::readable_file),
            monitor_url: reader.get(&keys::NATS_MONITOR_URL, parse::http_url),
            unchecked_log: reader.get(&keys::UNSAFE_UNCHECKED_LOG, parse::truth).unwrap_or_default(),
            port: reader.get(&keys::NATS_PORT, parse::port).unwrap_or_default(),
            binary: reader.get(&keys::NATS_SERVER, parse::readable_file),
            log_max_bytes: reader.get(&keys::LOG_MAX_BYTES, parse::log_bytes),
            replicas: reader.get(&keys::REPLICAS, parse::replicas).unwrap_or(1),
        }
    }
}

impl PostgresSettings {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            url: reader.get(&keys::DATABASE_URL, parse::database_url),
            port: reader.get(&keys::PG_PORT, parse::port).unwrap_or_default(),
            binaries: reader.get(&keys::PG_BIN, parse::path),
        }
    }
}

impl TlsFiles {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let cert = reader.get(&keys::TLS_CERT, parse::readable_file);
        let key = reader.get(&keys::TLS_KEY, parse::readable_file);
        cert.zip(key).map(|(cert, key)| Self { cert, key })
    }
}

impl LogSettings {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            filter: reader.get(&keys::LOG, crate::telemetry::check_filter).unwrap_or_default(),
            json: reader.get(&keys::LOG_FORMAT, crate::telemetry::is_json).unwrap_or_default(),
        }
    }
}

/// Settings that only make sense with each other.
fn check_together(reader: &mut Reader<'_>, config: &Config, needs: Needs) {
    if needs.nats {
        reader.need(&keys::NATS_URL, "this command runs against a given NATS");
    }
    if needs.database {
        reader.need(&keys::DATABASE_URL, "this command runs against a given Postgres");
    }
    // With copies on three servers a power cut of one loses nothing, and how each syncs is the operator's choice.
    let one_disk = config.nats.url.is_some() && config.nats.replicas == 1;
    if one_disk && !config.nats.unchecked_log && !needs.log_is_checked {
        reader.need(
            &keys::NATS_MONITOR_URL,
            "only there can it be seen that the server syncs before it acknowledges; \
             unsafe_unchecked_log = true does without",
        );
    }
    let given = |key: &Key| matches!(reader.layers.find(key), Ok(Some(_)));
    match (given(&keys::TLS_CERT), given(&keys::TLS_KEY)) {
        (true, false) => reader.need(&keys::TLS_KEY, "tls_cert is nothing without it"),
        (false, true) => reader.need(&keys::TLS_CERT, "tls_key is nothing without it"),
        _ => {}
    }
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// The host's name, reduced to what may stand in a NATS subject.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(32).collect();
    if name.is_empty() { "node".into() } else { name }
}

#[cfg(test)]
mod tests;
