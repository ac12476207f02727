//! How to reach NATS.

/// How a role reaches NATS, and what it demands of the log.
#[derive(Clone)]
pub struct NatsConfig {
    /// `nats://host:port`, or several separated by commas.
    pub url: String,
    /// User of this role.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// Authorities that may have signed a server's certificate, in PEM; none: those that the system trusts.
    /// With one, a server without TLS is refused.
    pub ca: Option<std::path::PathBuf>,
    /// Monitor of a server (`http://host:port`): the only place where `sync_interval` can be read.
    pub monitor_url: Option<String>,
    /// Run although the server's `sync_interval` cannot be checked.
    pub unchecked_log: bool,
    /// Replicas of every stream: 1 or 3.
    pub replicas: usize,
    /// Size of the log at its creation, in bytes; none: 80 % of what the server may still store.
    pub log_max_bytes: Option<u64>,
}

/// Without the password: a config ends up in logs.
impl std::fmt::Debug for NatsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsConfig")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "hidden"))
            .field("ca", &self.ca)
            .field("monitor_url", &self.monitor_url)
            .field("unchecked_log", &self.unchecked_log)
            .field("replicas", &self.replicas)
            .field("log_max_bytes", &self.log_max_bytes)
            .finish()
    }
}
