//! The table of every setting: its name, default and help. Flags, `ANDON_*` variables, `andon.toml` and
//! `andon config` are all made from it, so a setting is added here and read in `config.rs`, nowhere else.

/// One setting. Its name gives all its spellings: `http_addr` is `--http-addr`, `ANDON_HTTP_ADDR` and a line in
/// `andon.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Lower case with underscores.
    pub name: &'static str,
    /// What holds when nobody says anything; `None` where that is worked out at run time (the help says how).
    pub default: Option<&'static str>,
    /// Whether the value is never printed.
    pub secret: bool,
    /// What stands for the value in `--help`.
    pub value_name: &'static str,
    /// One sentence for `--help`.
    pub help: &'static str,
}

impl Key {
    /// The environment variable: `ANDON_` and the name in upper case.
    pub fn variable(&self) -> String {
        format!("ANDON_{}", self.name.to_ascii_uppercase())
    }

    /// The long flag without its dashes.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    const fn new(
        name: &'static str,
        value_name: &'static str,
        default: Option<&'static str>,
        help: &'static str,
    ) -> Self {
        Self { name, default, secret: false, value_name, help }
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

macro_rules! keys {
    ($($constant:ident = $key:expr;)*) => {
        $(#[doc = concat!("The setting `", stringify!($constant), "`, in lower case.")]
          pub const $constant: Key = $key;)*
        /// Every setting, in the order in which `--help` and `andon config` show them.
        pub const ALL: &[Key] = &[$($constant),*];
    };
}

keys! {
    DATA_DIR = Key::new("data_dir", "DIR", Some(".andon/data"),
        "Where the private servers and generated secrets live");
    HTTP_ADDR = Key::new("http_addr", "ADDR:PORT", Some("127.0.0.1:8080"),
        "Address of the gateway; port 0 picks a free one");
    METRICS_ADDR = Key::new("metrics_addr", "ADDR:PORT", None,
        "Address of the Prometheus metrics [default: 127.0.0.1:9090 for `up`, else any free port]");
    NATS_URL = Key::new("nats_url", "URL", None,
        "An existing nats-server, nats://user:password@host:4222, or several of a cluster, separated by commas [default: `up` starts a private one]").secret();
    NATS_CA = Key::new("nats_ca", "FILE", None,
        "Authorities that may have signed a nats-server's certificate, in PEM, in place of those that the system trusts; a server without TLS is refused then");
    NATS_MONITOR_URL = Key::new("nats_monitor_url", "URL", None,
        "Monitoring address of that nats-server, where its sync_interval can be checked");
    UNSAFE_UNCHECKED_LOG = Key::new("unsafe_unchecked_log", "BOOL", Some("false"),
        "Go without that check: an acknowledged event may then be lost in a power cut");
    DATABASE_URL = Key::new("database_url", "URL", None,
        "An existing Postgres, postgres://user:password@host:5432/name [default: `up` starts a private one]").secret();
    NATS_PORT = Key::new("nats_port", "PORT", Some("0"),
        "Port of the private nats-server; 0 is any free one");
    PG_PORT = Key::new("pg_port", "PORT", Some("0"),
        "Port of the private Postgres; 0 is any free one");
    NATS_SERVER = Key::new("nats_server", "FILE", None,
        "The nats-server binary [default: .andon/tools, then PATH]");
    PG_BIN = Key::new("pg_bin", "DIR", None,
        "The directory of Postgres' binaries [default: .andon/tools, then PATH]");
    IDLE_TIMEOUT = Key::new("idle_timeout", "DURATION", Some("300s"),
        "A session without a sign of life for this long closes itself");
    MAX_SESSION = Key::new("max_session", "DURATION", Some("16h"),
        "A session open for longer is flagged as forgotten");
    RETENTION = Key::new("retention", "DURATION", Some("7d"),
        "How long events stay on the log after they are in Postgres");
    LOG_MAX_BYTES = Key::new("log_max_bytes", "BYTES", None,
        "Size of the log, 20GiB for example [default: 80 % of the free disk, taken once at creation]");
    REPLICAS = Key::new("replicas", "N", Some("1"),
        "Copies of the log: 1, or 3 on a cluster");
    NODE_ID = Key::new("node_id", "NAME", None,
        "Name of this engine node; a random part is added at each start [default: host name]");
    SECRET_FILE = Key::new("secret_file", "FILE", None,
        "Key that signs tokens, the same for all gateways [default: generated in the data directory]");
    ADMIN_PASSWORD = Key::new("admin_password", "PASSWORD", None,
        "Password of the first account, `admin` [default: generated, printed once]").secret();
    TLS_CERT = Key::new("tls_cert", "FILE", None, "Certificate chain in PEM, for https");
    TLS_KEY = Key::new("tls_key", "FILE", None, "Private key in PEM, for https");
    PUBLIC_URL = Key::new("public_url", "URL", None,
        "The address that people type, when a proxy stands in front");
    ALLOWED_ORIGINS = Key::new("allowed_origins", "ORIGIN,…", None,
        "Further origins whose pages may use cookies here");
    TRUSTED_PROXIES = Key::new("trusted_proxies", "NETWORK,…", None,
        "Networks whose X-Forwarded-For and X-Forwarded-Proto are believed");
    REQUIRE_ENROLLED_DEVICE = Key::new("require_enrolled_device", "BOOL", Some("false"),
        "Accept worker codes only from browsers that an admin has enrolled");
    LOG = Key::new("log", "FILTER", Some("info"), "What is logged, a tracing filter");
    LOG_FORMAT = Key::new("log_format", "text|json", Some("text"), "How it is logged");
}

/// The variable that names the configuration file; not a setting of its own.
pub const CONFIG_VARIABLE: &str = "ANDON_CONFIG";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_all_its_spellings() {
        assert_eq!(HTTP_ADDR.variable(), "ANDON_HTTP_ADDR");
        assert_eq!(HTTP_ADDR.flag(), "http-addr");
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
