//! Sessions that ended, newest first, a page at a time.

use bus_schemas::{CloseCause, JobId, SessionId, StationId, TimeUs, WorkerId};
use sqlx::{Postgres, QueryBuilder};

use super::{cursor::Cursor, rows::SessionRow};
use crate::{Store, convert, error::StoreError, store::bounded};

/// Sessions on a page when nobody says how many.
pub const PAGE: u32 = 50;
/// Sessions on a page at most.
pub const PAGE_MAX: u32 = 200;

/// Which sessions. Everything given must hold.
#[derive(Clone, Debug, Default)]
pub struct HistoryFilter {
    /// At one of these stations; empty: at any.
    pub stations: Vec<StationId>,
    /// Of this worker.
    pub worker: Option<WorkerId>,
    /// On this job.
    pub job: Option<JobId>,
    /// Closed for this cause.
    pub cause: Option<CloseCause>,
    /// Ended at this time or later.
    pub from_us: Option<TimeUs>,
    /// Ended before this time.
    pub to_us: Option<TimeUs>,
    /// Behind this one.
    pub cursor: Option<Cursor>,
    /// How many at most, 1 to [`PAGE_MAX`]; none: [`PAGE`].
    pub limit: Option<u32>,
}

/// A page of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions, by end, newest first.
    pub sessions: Vec<SessionRow>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<Cursor>,
}

/// A session's row with the note of its last interval. Intervals are in order of (version, ordinal).
pub const SELECT: &str = "SELECT sessions.*, (SELECT note FROM status_events \
    WHERE session_id = sessions.id ORDER BY version DESC, ordinal DESC LIMIT 1) AS last_note FROM sessions";

impl Store {
    /// A page of the sessions that ended.
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn closed_sessions(&self, filter: &HistoryFilter) -> Result<SessionPage, StoreError> {
        let limit = filter.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
        let mut query = query(filter, limit);
        let rows = query.build_query_as::<SessionRow>();
        let mut sessions = bounded(rows.fetch_all(self.pool())).await?;
        // One more than asked for was read: it only tells that there is a next page.
        let more = sessions.len() > limit as usize;
        sessions.truncate(limit as usize);
        let next = sessions
            .last()
            .filter(|_| more)
            .and_then(|last| Some(Cursor { ended_at_us: last.ended_at_us?, id: last.id }));
        Ok(SessionPage { sessions, next })
    }

    /// One session's row.
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn session_row(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(SELECT);
        query.push(" WHERE id = ").push_bind(id.0);
        bounded(query.build_query_as().fetch_optional(self.pool())).await
    }
}

/// Only what is asked for becomes a condition, so that each combination has a plan and an index of its own.
fn query(filter: &HistoryFilter, limit: u32) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(" WHERE ended_at IS NOT NULL");
    if !filter.stations.is_empty() {
        let stations: Vec<_> = filter.stations.iter().map(|station| station.0).collect();
        query.push(" AND station_id = ANY(").push_bind(stations).push(")");
    }
    if let Some(worker) = filter.worker {
        query.push(" AND worker_id = ").push_bind(worker.0);
    }
    if let Some(job) = filter.job {
        query.push(" AND job_id = ").push_bind(job.0);
    }
    if let Some(cause) = filter.cause {
        query.push(" AND closed_cause = ").push_bind(cause.as_str());
    }
    // A time before or after all that tables can hold asks for everything, or for nothing.
    if let Some(from) = filter.from_us {
        query.push(" AND ended_at >= ").push_bind(convert::clamped(from));
    }
    if let Some(to) = filter.to_us {
        query.push(" AND ended_at < ").push_bind(convert::clamped(to));
    }
    if let Some(cursor) = filter.cursor {
        query.push(" AND (ended_at, id) < (").push_bind(convert::clamped(cursor.ended_at_us));
        query.push(", ").push_bind(cursor.id.0).push(")");
    }
    query.push(" ORDER BY ended_at DESC, id DESC LIMIT ").push_bind(i64::from(limit) + 1);
    query
}
