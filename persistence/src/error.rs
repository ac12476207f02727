//! The errors of this crate that others see.

use crate::database::{self, Meaning};

/// A read or an account change did not work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres is away, too busy, or not migrated. Nothing of Andon but history and accounts depends on it.
    #[error("the database cannot be used now: {0}")]
    Unavailable(String),
    /// Postgres answered with something nobody expected.
    #[error("the database refuses: {0}")]
    Database(#[source] sqlx::Error),
    /// A row holds what no version of Andon writes.
    #[error("table {table} holds what cannot be read: {what}")]
    Garbled {
        /// Which table.
        table: &'static str,
        /// What.
        what: String,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match database::meaning(&error) {
            Meaning::Away => Self::Unavailable(error.to_string()),
            Meaning::BadData | Meaning::Other => Self::Database(error),
        }
    }
}

impl StoreError {
    /// Whether it is worth trying again later.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// The migrations could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database cannot be reached: worth trying again.
    #[error("cannot migrate, the database cannot be used now: {0}")]
    Unavailable(String),
    /// The address is no Postgres address.
    #[error("the database address cannot be read: {0}")]
    BadUrl(#[source] sqlx::Error),
    /// The database was migrated by another, newer or changed set of migrations, or one of them fails.
    #[error("cannot migrate: {0}")]
    Refused(#[source] sqlx::migrate::MigrateError),
}

/// The persistence role could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is no Postgres address. (A server that does not answer is waited for.)
    #[error("the database address cannot be read: {0}")]
    BadUrl(#[source] sqlx::Error),
}
