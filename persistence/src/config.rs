//! What the persistence role is told.

use std::time::Duration;

use andon_nats::NatsConfig;

/// How the persistence role reaches NATS and Postgres, and how long the log keeps what is projected.
#[derive(Clone)]
pub struct PersistenceConfig {
    /// How to reach NATS.
    pub nats: NatsConfig,
    /// `postgres://user:password@host:port/database`.
    pub database_url: String,
    /// An event leaves the log only when it is projected and older than this.
    pub retention: Duration,
}

/// Without the database's address: it holds a password, and a config ends up in logs.
impl std::fmt::Debug for PersistenceConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersistenceConfig")
            .field("nats", &self.nats)
            .field("database_url", &"hidden")
            .field("retention", &self.retention)
            .finish()
    }
}
