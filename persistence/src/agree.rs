//! Whether the log is the one that the tables were made from, asked once, before anybody builds on it.
//!
//! A server that lost the end of its log says nothing of it: only what was projected knows that there was more. An engine
//! that began to write all the same would give the lost sequences to other events, and acknowledge them on a log that is
//! refused a moment later.

use andon_nats::{Bus, NatsConfig, NatsError};
use bus_schemas::subject::{STREAM_DIRECTORY, STREAM_LOG};
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use crate::{
    Checkpoint, StoreError,
    database::{self, CONNECT_WITHIN},
    trust::{self, ProofError, Refusal},
};

/// The streams were not shown to be those of the tables.
#[derive(Debug, thiserror::Error)]
pub enum AgreeError {
    /// They are not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Postgres cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// NATS cannot be asked.
    #[error(transparent)]
    Nats(#[from] NatsError),
}

/// Compares the log and the directory with their checkpoints. Before anything was projected there is nothing to compare.
///
/// # Errors
/// A stream is not the one the tables at `database_url` were made from; or one side cannot be asked.
pub async fn agree(nats: &NatsConfig, role: &str, database_url: &str) -> Result<(), AgreeError> {
    let checkpoints = checkpoints(database_url).await?;
    if checkpoints.is_empty() {
        return Ok(());
    }
    let bus = Bus::connect(nats, role).await?;
    let agreed = prove(&bus, &checkpoints).await;
    // Nothing more is asked through it.
    let _closed_already = bus.client().drain().await;
    agreed
}

async fn prove(bus: &Bus, checkpoints: &[Checkpoint]) -> Result<(), AgreeError> {
    for checkpoint in checkpoints {
        match trust::prove(bus, checkpoint).await {
            // The tables are behind, by an older backup or for a long time: the log is none the worse for it.
            Ok(_) | Err(ProofError::Refused(Refusal::Gap { .. })) => {}
            Err(ProofError::Refused(refusal)) => return Err(refusal.into()),
            Err(ProofError::Read(source)) => {
                return Err(NatsError::Stream { stream: checkpoint.stream.to_owned(), source }.into());
            }
        }
    }
    Ok(())
}

async fn checkpoints(database_url: &str) -> Result<Vec<Checkpoint>, StoreError> {
    let options = database::options(database_url, &database::READS)?;
    let mut connection = timeout(CONNECT_WITHIN, PgConnection::connect_with(&options))
        .await
        .map_err(|_| StoreError::Unavailable("no answer in time".to_owned()))??;
    let migrated: bool =
        sqlx::query_scalar("SELECT to_regclass('checkpoints') IS NOT NULL").fetch_one(&mut connection).await?;
    let mut checkpoints = Vec::new();
    if migrated {
        for stream in [STREAM_LOG, STREAM_DIRECTORY] {
            checkpoints.extend(Checkpoint::load(&mut connection, stream).await?);
        }
    }
    let _done = connection.close().await;
    Ok(checkpoints)
}
