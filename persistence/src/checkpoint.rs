//! Where the projection of a stream stands: the only position there is, and the proof of which log it belongs to.

use andon_nats::StoredMessage;
use bus_schemas::TimeUs;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, Transaction};
use xxhash_rust::xxh3::Xxh3;

use crate::{convert, projection::WriteError};

/// The last message of a stream that is in the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which stream.
    pub stream: &'static str,
    /// When that stream was created: another time is another stream.
    pub stream_created_us: TimeUs,
    /// Sequence of the last message; 0 before the first.
    pub seq: u64,
    /// Hash of its subject and body; none before the first message, and where a person has set the checkpoint by hand.
    pub hash: Option<u128>,
    /// When the stream stored it, by the server's clock.
    pub message_at_us: Option<TimeUs>,
    /// Missing messages that a person has accepted.
    pub accepted_deleted: u64,
    /// Lost bytes that a person has accepted.
    pub accepted_lost_bytes: u64,
}

/// What identifies a message in a checkpoint. Headers are left out: their order is not kept.
#[must_use]
pub fn hash(message: &StoredMessage) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(message.subject.as_bytes());
    hasher.update(&[0]);
    hasher.update(&message.payload);
    hasher.digest128()
}

type Row = (DateTime<Utc>, i64, Option<Vec<u8>>, Option<DateTime<Utc>>, i64, i64);

impl Checkpoint {
    /// The start of a stream that nothing has been read of.
    #[must_use]
    pub const fn start(stream: &'static str, stream_created_us: TimeUs) -> Self {
        Self {
            stream,
            stream_created_us,
            seq: 0,
            hash: None,
            message_at_us: None,
            accepted_deleted: 0,
            accepted_lost_bytes: 0,
        }
    }

    /// What the database says; `None` before anything of this stream was read.
    pub async fn load(connection: &mut PgConnection, stream: &'static str) -> Result<Option<Self>, sqlx::Error> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT stream_created_at, seq, message_hash, message_at, accepted_deleted, accepted_lost_bytes \
             FROM checkpoints WHERE stream = $1",
        )
        .bind(stream)
        .fetch_optional(connection)
        .await?;
        Ok(row.map(|(created, seq, hash, at, deleted, lost)| Self {
            stream,
            stream_created_us: convert::time_us(created),
            seq: convert::unsigned(seq),
            hash: hash.and_then(|bytes| Some(u128::from_be_bytes(bytes.try_into().ok()?))),
            message_at_us: at.map(convert::time_us),
            accepted_deleted: convert::unsigned(deleted),
            accepted_lost_bytes: convert::unsigned(lost),
        }))
    }

    /// Writes the start of a stream; one that is there already stays.
    pub async fn create(&self, connection: &mut PgConnection) -> Result<(), WriteError> {
        sqlx::query(
            "INSERT INTO checkpoints (stream, stream_created_at, seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(self.stream)
        .bind(convert::time("creation of the stream", self.stream_created_us)?)
        .bind(convert::number("seq", self.seq)?)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// This checkpoint moved to a later message.
    #[must_use]
    pub fn at(&self, message: &StoredMessage) -> Self {
        Self { seq: message.seq, hash: Some(hash(message)), message_at_us: Some(message.time_us), ..self.clone() }
    }

    /// Moves the database from this checkpoint to `next`, inside the transaction that writes the rows.
    ///
    /// # Errors
    /// [`WriteError::Moved`] when the database stands elsewhere: somebody else projects, although this process holds
    /// the lock (a pooler between the two can do that).
    pub async fn advance(&self, transaction: &mut Transaction<'_, Postgres>, next: &Self) -> Result<(), WriteError> {
        let done = sqlx::query(
            "UPDATE checkpoints SET seq = $3, message_hash = $4, message_at = $5 \
             WHERE stream = $1 AND seq = $2 AND stream_created_at = $6",
        )
        .bind(self.stream)
        .bind(convert::number("seq", self.seq)?)
        .bind(convert::number("seq", next.seq)?)
        .bind(next.hash.map(|hash| hash.to_be_bytes().to_vec()))
        .bind(convert::time_opt("time of storing", next.message_at_us)?)
        .bind(convert::time("creation of the stream", self.stream_created_us)?)
        .execute(&mut **transaction)
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(WriteError::Moved { stream: self.stream, seq: self.seq }) }
    }
}
