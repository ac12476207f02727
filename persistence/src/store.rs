//! What others read history from and keep accounts in: a small pool that never makes anybody wait long.

use std::{sync::Arc, time::Duration};

use bus_schemas::subject::STREAM_LOG;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::time::{Instant, sleep, timeout};

use crate::{accounts::Hashing, convert, database, error::StoreError};

/// Connections of one process: history is read by few people, and Postgres serves several gateways.
const CONNECTIONS: u32 = 8;
/// Time to get a connection. Below any HTTP deadline; the library's own is 30 s.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(2);
/// Time for a whole read, also from a server that is frozen and keeps no limit of its own.
const READ_WITHIN: Duration = Duration::from_secs(3);
/// A connection unused for this long is closed.
const IDLE: Duration = Duration::from_secs(300);
/// How often it is looked whether the projection has arrived.
const POLL: Duration = Duration::from_millis(20);

/// History and accounts; clones share the pool.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    pub(crate) hashing: Arc<Hashing>,
}

impl Store {
    /// A store that connects when it is first used: Postgres need not be there.
    ///
    /// # Errors
    /// The address is no Postgres address.
    pub fn connect_lazy(database_url: &str) -> Result<Self, StoreError> {
        let options = database::options(database_url, &database::READS).map_err(StoreError::Database)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_WITHIN)
            .idle_timeout(IDLE)
            .connect_lazy_with(options);
        Ok(Self { pool, hashing: Arc::default() })
    }

    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The last sequence of the log that is in the tables.
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn projected_seq(&self) -> Result<u64, StoreError> {
        let query = sqlx::query_scalar("SELECT seq FROM checkpoints WHERE stream = $1").bind(STREAM_LOG);
        let seq: Option<i64> = bounded(query.fetch_optional(&self.pool)).await?;
        Ok(seq.map_or(0, convert::unsigned))
    }

    /// Waits until the tables have reached this sequence of the log, no longer than `within`; returns whether they
    /// have.
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn wait_for(&self, seq: u64, within: Duration) -> Result<bool, StoreError> {
        let deadline = Instant::now() + within;
        loop {
            if self.projected_seq().await? >= seq {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            sleep(POLL).await;
        }
    }

    /// Closes the pool, waiting for reads in progress.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Work on the pool, cut off after [`READ_WITHIN`].
pub async fn bounded<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, StoreError>
where
    StoreError: From<E>,
{
    match timeout(READ_WITHIN, work).await {
        Ok(result) => result.map_err(StoreError::from),
        Err(_) => Err(StoreError::Unavailable("it does not answer in time".to_owned())),
    }
}
