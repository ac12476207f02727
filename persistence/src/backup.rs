//! What a backup needs of Postgres: a view that stands still while it is dumped, and after a restore checkpoints that
//! belong to the streams as they are now. Dumping and loading are `pg_dump`'s and `pg_restore`'s.

use std::collections::BTreeMap;

use bus_schemas::{
    TimeUs,
    subject::{STREAM_DIRECTORY, STREAM_LOG},
};
use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use crate::{
    Checkpoint, StoreError, convert,
    database::{self, CONNECT_WITHIN, Limits},
    trust,
};
use andon_nats::{Bus, StoredMessage, StreamFacts};

/// Questions about the catalogue and a handful of rows.
const BACKUP: Limits = Limits { name: "andon-backup", statement_ms: "20000", lock_ms: "10000" };
const STREAMS: [&str; 2] = [STREAM_LOG, STREAM_DIRECTORY];

/// Where the projection of a stream stands in a dump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// When the stream was created.
    pub stream_created_us: TimeUs,
    /// The last message that is in the tables.
    pub seq: u64,
    /// What identifies that message, in hexadecimal digits; none before the first.
    pub hash: Option<String>,
    accepted_deleted: u64,
    accepted_lost_bytes: u64,
}

/// What is in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Version of the server.
    pub server_version: String,
    /// Bytes that it takes there.
    pub bytes: u64,
    /// Number of the newest migration.
    pub migration: i64,
    /// The projections, by stream.
    pub positions: BTreeMap<String, Position>,
}

/// A view of the database that stands still for as long as it is held.
pub struct Frozen {
    connection: PgConnection,
    /// What `pg_dump --snapshot` takes.
    pub snapshot: String,
    /// What is in it.
    pub contents: Contents,
}

impl Frozen {
    /// Begins to hold a view.
    ///
    /// # Errors
    /// The database cannot be reached, or was never migrated.
    pub async fn begin(database_url: &str) -> Result<Self, StoreError> {
        let mut connection = connect(database_url).await?;
        // It does nothing while the dump goes on.
        sqlx::query("SET idle_in_transaction_session_timeout = 0").execute(&mut connection).await?;
        sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut connection).await?;
        let snapshot = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut connection).await?;
        let contents = contents(&mut connection).await?;
        Ok(Self { connection, snapshot, contents })
    }

    /// Lets it go.
    pub async fn end(self) {
        // The server rolls back what only read.
        let _gone_already = self.connection.close().await;
    }
}

async fn contents(connection: &mut PgConnection) -> Result<Contents, StoreError> {
    let server_version = sqlx::query_scalar("SHOW server_version").fetch_one(&mut *connection).await?;
    let bytes: i64 =
        sqlx::query_scalar("SELECT pg_database_size(current_database())").fetch_one(&mut *connection).await?;
    let migration = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success")
        .fetch_one(&mut *connection)
        .await?;
    let mut positions = BTreeMap::new();
    for stream in STREAMS {
        if let Some(checkpoint) = Checkpoint::load(connection, stream).await? {
            positions.insert(stream.to_owned(), Position::of(&checkpoint));
        }
    }
    Ok(Contents { server_version, bytes: convert::unsigned(bytes), migration, positions })
}

impl Position {
    fn of(checkpoint: &Checkpoint) -> Self {
        Self {
            stream_created_us: checkpoint.stream_created_us,
            seq: checkpoint.seq,
            hash: checkpoint.hash.map(|hash| format!("{hash:032x}")),
            accepted_deleted: checkpoint.accepted_deleted,
            accepted_lost_bytes: checkpoint.accepted_lost_bytes,
        }
    }

    fn checkpoint(&self, stream: &'static str) -> Checkpoint {
        Checkpoint {
            seq: self.seq,
            hash: self.hash.as_deref().and_then(|digits| u128::from_str_radix(digits, 16).ok()),
            accepted_deleted: self.accepted_deleted,
            accepted_lost_bytes: self.accepted_lost_bytes,
            ..Checkpoint::start(stream, self.stream_created_us)
        }
    }

    /// Whether the projection, as far as it has come here, goes on with this stream.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn goes_on_with(&self, stream: &str, facts: &StreamFacts) -> Result<(), String> {
        let known = STREAMS.iter().find(|known| **known == stream);
        let stream = known.ok_or_else(|| format!("{stream} is not projected"))?;
        trust::check(facts, &self.checkpoint(stream)).map_err(|refusal| refusal.to_string())
    }

    /// Whether this message of the stream is the one that is in the tables; one that is gone cannot be told.
    #[must_use]
    pub fn is_at(&self, message: Option<&StoredMessage>) -> bool {
        trust::check_message(message, &self.checkpoint(STREAM_LOG)).is_ok()
    }
}

/// The name of some table or view that is there already; none: the database is empty.
///
/// # Errors
/// The database cannot be reached.
pub async fn occupied_by(database_url: &str) -> Result<Option<String>, StoreError> {
    let mut connection = connect(database_url).await?;
    let found = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 LIMIT 1",
    )
    .fetch_optional(&mut connection)
    .await?;
    let _gone_already = connection.close().await;
    Ok(found)
}

/// Makes the restored tables belong to the restored streams: a stream may have been given a new time of creation. Each
/// must hold the message that the tables end with.
///
/// # Errors
/// The database or the streams cannot be reached, or do not belong together.
pub async fn adopt(database_url: &str, bus: &Bus) -> Result<(), AdoptError> {
    let mut connection = connect(database_url).await?;
    for stream in STREAMS {
        let Some(checkpoint) = Checkpoint::load(&mut connection, stream).await.map_err(StoreError::from)? else {
            continue;
        };
        let created = trust::created(bus, stream).await?;
        let adopted = Checkpoint { stream_created_us: created, ..checkpoint };
        trust::prove(bus, &adopted).await?;
        sqlx::query("UPDATE checkpoints SET stream_created_at = $2 WHERE stream = $1")
            .bind(stream)
            .bind(convert::clamped(created))
            .execute(&mut connection)
            .await
            .map_err(StoreError::from)?;
    }
    let _gone_already = connection.close().await;
    Ok(())
}

/// Tables and streams could not be brought together.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stream does not answer.
    #[error(transparent)]
    Read(#[from] andon_nats::ReadError),
    /// A stream is not the one that the tables were made from.
    #[error("the tables and the streams do not belong together: {0}")]
    Apart(#[from] trust::ProofError),
}

/// Empties a database that was empty before a restore that failed.
///
/// # Errors
/// The database cannot be reached.
pub async fn undo(database_url: &str) -> Result<(), StoreError> {
    let mut connection = connect(database_url).await?;
    for statement in ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"] {
        sqlx::query(statement).execute(&mut connection).await?;
    }
    let _gone_already = connection.close().await;
    Ok(())
}

async fn connect(database_url: &str) -> Result<PgConnection, StoreError> {
    let options = database::options(database_url, &BACKUP)?;
    match timeout(CONNECT_WITHIN, PgConnection::connect_with(&options)).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(StoreError::Unavailable("it does not answer in time".to_owned())),
    }
}
