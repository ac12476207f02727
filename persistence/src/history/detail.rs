//! One session with everything that happened in it, from one snapshot of the database.

use bus_schemas::{SessionId, subject::STREAM_LOG};
use sqlx::{Connection as _, PgConnection};

use super::{
    list::SELECT,
    rows::{EventRow, QuantityChangeRow, SessionRow, StatusEventRow},
};
use crate::{Store, convert, error::StoreError, store::bounded};

/// Intervals or changes of one session that are read: one a second for a shift of 16 hours would be as many.
const ROWS_MAX: i64 = 50_000;

/// A session whole. Its parts belong together: they are from one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDetail {
    /// The session.
    pub session: SessionRow,
    /// Its intervals, oldest first.
    pub status_events: Vec<StatusEventRow>,
    /// The changes of its totals, oldest first.
    pub quantity_changes: Vec<QuantityChangeRow>,
    /// Everything that happened to it, oldest first.
    pub events: Vec<EventRow>,
    /// The last sequence of the log that is in this snapshot.
    pub projected_seq: u64,
}

impl Store {
    /// A session with its intervals and changes; `None` when the tables do not have it (yet: see
    /// [`Store::wait_for`]).
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn session(&self, id: SessionId) -> Result<Option<SessionDetail>, StoreError> {
        bounded(async {
            let mut connection = self.pool().acquire().await?;
            read(&mut connection, id).await
        })
        .await
    }
}

async fn read(connection: &mut PgConnection, id: SessionId) -> Result<Option<SessionDetail>, sqlx::Error> {
    let mut snapshot = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let mut query = sqlx::QueryBuilder::<sqlx::Postgres>::new(SELECT);
    query.push(" WHERE id = ").push_bind(id.0);
    let session: Option<SessionRow> = query.build_query_as().fetch_optional(&mut *snapshot).await?;
    let Some(session) = session else { return Ok(None) };
    let status_events =
        sqlx::query_as("SELECT * FROM status_events WHERE session_id = $1 ORDER BY version, ordinal LIMIT $2")
            .bind(id.0)
            .bind(ROWS_MAX)
            .fetch_all(&mut *snapshot)
            .await?;
    let quantity_changes =
        sqlx::query_as("SELECT * FROM quantity_changes WHERE session_id = $1 ORDER BY version LIMIT $2")
            .bind(id.0)
            .bind(ROWS_MAX)
            .fetch_all(&mut *snapshot)
            .await?;
    let events = sqlx::query_as(
        "SELECT version, kind, actor, at, seq FROM session_events WHERE session_id = $1 ORDER BY version LIMIT $2",
    )
    .bind(id.0)
    .bind(ROWS_MAX)
    .fetch_all(&mut *snapshot)
    .await?;
    let seq: Option<i64> = sqlx::query_scalar("SELECT seq FROM checkpoints WHERE stream = $1")
        .bind(STREAM_LOG)
        .fetch_optional(&mut *snapshot)
        .await?;
    snapshot.rollback().await?;
    let projected_seq = seq.map_or(0, convert::unsigned);
    Ok(Some(SessionDetail { session, status_events, quantity_changes, events, projected_seq }))
}
