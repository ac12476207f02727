//! The one connection that writes: it holds the lock that makes this process the projecting one, and every batch is one
//! transaction on it, together with the checkpoint.

use std::time::Duration;

use andon_nats::StoredMessage;
use bus_schemas::{SessionId, TimeUs, subject::STREAM_LOG};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, timeout};

use super::{WriteError, plan, plan::Plan, write};
use crate::{
    checkpoint::Checkpoint,
    database::{self, CONNECT_WITHIN, Meaning},
    directory, measures,
    quarantine::{self, Quarantined},
    seen,
};

/// Names the advisory lock of the projecting process: "andon" in ASCII. Locks are per database.
const LOCK: i64 = 0x61_6e_64_6f_6e;
/// Longest life of one transaction: above the server's own limit for a statement, which a frozen server does not keep.
const TRANSACTION_WITHIN: Duration = Duration::from_secs(30);
/// Time for a question that costs the server nothing.
const ASK_WITHIN: Duration = Duration::from_secs(3);

/// The writing connection. Everything it does is safe to repeat.
pub struct Writer {
    connection: PgConnection,
}

impl Writer {
    /// Connects; nothing is locked yet.
    ///
    /// # Errors
    /// Postgres does not answer or refuses.
    pub async fn connect(options: &PgConnectOptions) -> Result<Self, WriteError> {
        let connection = bounded(CONNECT_WITHIN, PgConnection::connect_with(options)).await?;
        Ok(Self { connection })
    }

    /// Tries to become the projecting process, for as long as this connection lives.
    ///
    /// # Errors
    /// Postgres does not answer or refuses.
    pub async fn try_lock(&mut self) -> Result<bool, WriteError> {
        let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK);
        bounded(ASK_WITHIN, query.fetch_one(&mut self.connection)).await
    }

    /// Where the projection of a stream stands.
    ///
    /// # Errors
    /// Postgres does not answer or refuses.
    pub async fn checkpoint(&mut self, stream: &'static str) -> Result<Option<Checkpoint>, WriteError> {
        bounded(ASK_WITHIN, Checkpoint::load(&mut self.connection, stream)).await
    }

    /// Records the start of a stream that nothing was read of.
    ///
    /// # Errors
    /// Postgres does not answer or refuses.
    pub async fn begin(&mut self, checkpoint: &Checkpoint) -> Result<(), WriteError> {
        timeout(ASK_WITHIN, checkpoint.create(&mut self.connection)).await.unwrap_or(Err(WriteError::TimedOut))
    }

    /// Writes the built-in statuses, where the directory has not changed them.
    ///
    /// # Errors
    /// Postgres does not answer or refuses.
    pub async fn builtin_statuses(&mut self) -> Result<(), WriteError> {
        bounded(ASK_WITHIN, directory::builtin_statuses(&mut self.connection)).await
    }

    /// How many quarantined messages nobody has resolved. Also shows whether the connection still lives.
    ///
    /// # Errors
    /// Postgres does not answer or refuses.
    pub async fn quarantined(&mut self) -> Result<i64, WriteError> {
        let query = sqlx::query_scalar("SELECT count(*) FROM quarantine WHERE resolved_at IS NULL");
        bounded(ASK_WITHIN, query.fetch_one(&mut self.connection)).await
    }

    /// Sequence of the last projected event that the log stored before this time; 0 when there is none.
    ///
    /// # Errors
    /// Postgres does not answer or refuses.
    pub async fn last_stored_before(&mut self, before: TimeUs) -> Result<u64, WriteError> {
        let before = crate::convert::clamped(before);
        let query = sqlx::query_scalar(
            "SELECT seq FROM session_events WHERE stored_at < $1 ORDER BY stored_at DESC, seq DESC LIMIT 1",
        )
        .bind(before);
        let seq: Option<i64> = bounded(ASK_WITHIN, query.fetch_optional(&mut self.connection)).await?;
        Ok(seq.map_or(0, crate::convert::unsigned))
    }

    /// Projects a batch that follows on `checkpoint`, in one transaction, and returns the new checkpoint. When these
    /// very values are refused by Postgres, the messages are tried one by one and the culprits quarantined.
    ///
    /// # Errors
    /// Postgres does not answer or refuses; nothing of the batch may be assumed to be written, or not to be.
    pub async fn project(
        &mut self,
        checkpoint: &Checkpoint,
        batch: &[StoredMessage],
    ) -> Result<Checkpoint, WriteError> {
        match self.transaction(checkpoint, batch, None).await {
            Err(error) if error.is_bad_data() => self.one_by_one(checkpoint, batch, &error).await,
            result => result,
        }
    }

    async fn one_by_one(
        &mut self,
        checkpoint: &Checkpoint,
        batch: &[StoredMessage],
        error: &WriteError,
    ) -> Result<Checkpoint, WriteError> {
        tracing::warn!(%error, messages = batch.len(), "a batch holds values that Postgres refuses: looking for them");
        let mut at = checkpoint.clone();
        for message in batch {
            let alone = std::slice::from_ref(message);
            at = match self.transaction(&at, alone, None).await {
                Err(error) if error.is_bad_data() => self.transaction(&at, alone, Some(error.to_string())).await?,
                result => result?,
            };
        }
        Ok(at)
    }

    /// One batch, or one message into quarantine.
    async fn transaction(
        &mut self,
        checkpoint: &Checkpoint,
        batch: &[StoredMessage],
        refused: Option<String>,
    ) -> Result<Checkpoint, WriteError> {
        let Some(last) = batch.last() else { return Ok(checkpoint.clone()) };
        let next = checkpoint.at(last);
        let started = Instant::now();
        timeout(TRANSACTION_WITHIN, Box::pin(self.write(checkpoint, &next, batch, refused)))
            .await
            .unwrap_or(Err(WriteError::TimedOut))?;
        measures::batch(checkpoint.stream, batch.len(), started.elapsed().as_secs_f64());
        Ok(next)
    }

    async fn write(
        &mut self,
        checkpoint: &Checkpoint,
        next: &Checkpoint,
        batch: &[StoredMessage],
        refused: Option<String>,
    ) -> Result<(), WriteError> {
        let stream = checkpoint.stream;
        let log: Vec<plan::Read<'_>>;
        let mut transaction = self.connection.begin().await?;
        let quarantined = if let (Some(error), [message]) = (refused, batch) {
            let quarantined = vec![Quarantined { message, error }];
            quarantine::write(&mut transaction, stream, &quarantined).await?;
            quarantined
        } else if stream == STREAM_LOG {
            log = batch.iter().map(plan::read).collect();
            let known = write::known_versions(&mut transaction, &plan::sessions(&log)).await?;
            let plan = Plan::of(&log, known);
            write::plan(&mut transaction, stream, &plan).await?;
            plan.quarantined
        } else {
            directory::project(&mut transaction, stream, batch).await?
        };
        checkpoint.advance(&mut transaction, next).await?;
        transaction.commit().await?;
        quarantine::alarm(stream, &quarantined);
        Ok(())
    }

    /// Puts a message that belongs to no checkpoint into quarantine.
    ///
    /// # Errors
    /// Postgres does not answer or refuses.
    pub async fn set_aside(
        &mut self,
        stream: &'static str,
        message: &StoredMessage,
        error: String,
    ) -> Result<(), WriteError> {
        let quarantined = [Quarantined { message, error }];
        let write = async {
            let mut transaction = self.connection.begin().await?;
            quarantine::write(&mut transaction, stream, &quarantined).await?;
            transaction.commit().await?;
            Ok(())
        };
        timeout(TRANSACTION_WITHIN, write).await.unwrap_or(Err(WriteError::TimedOut))?;
        quarantine::alarm(stream, &quarantined);
        Ok(())
    }

    /// Writes when sessions were last seen; never backwards, and only of active ones.
    ///
    /// # Errors
    /// Postgres does not answer or refuses.
    pub async fn last_seen(&mut self, rows: &[(SessionId, TimeUs)]) -> Result<(), WriteError> {
        timeout(TRANSACTION_WITHIN, seen::write(&mut self.connection, rows)).await.unwrap_or(Err(WriteError::TimedOut))
    }
}

async fn bounded<T>(within: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, WriteError> {
    timeout(within, work).await.map_err(|_| WriteError::TimedOut)?.map_err(WriteError::from)
}

impl WriteError {
    fn is_bad_data(&self) -> bool {
        match self {
            Self::Database(error) => database::meaning(error) == Meaning::BadData,
            Self::DoesNotFit(_) => true,
            Self::Moved { .. } | Self::TimedOut => false,
        }
    }
}
