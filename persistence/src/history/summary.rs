//! What was made since a point in time, as far as the tables know.

use bus_schemas::{StationId, TimeUs};
use sqlx::{FromRow, Row, postgres::PgRow};

use crate::{Store, convert, error::StoreError, store::bounded};

/// What sessions that have ended add to the output since a point in time, and what active ones had reported before it.
///
/// Pieces since then, active sessions included, are `good` plus what the active sessions report now minus
/// `carried_good`: the totals of an active session are known better by whoever follows the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Sessions that ended since then.
    pub sessions_closed: u64,
    /// Good pieces reported since then in sessions that have ended.
    pub good: i64,
    /// Scrap pieces, likewise.
    pub scrap: i64,
    /// Good pieces that sessions which are still active had reported before then.
    pub carried_good: i64,
    /// Scrap pieces, likewise.
    pub carried_scrap: i64,
}

impl FromRow<'_, PgRow> for Summary {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sessions_closed: convert::unsigned(row.try_get("sessions_closed")?),
            good: row.try_get("good")?,
            scrap: row.try_get("scrap")?,
            carried_good: row.try_get("carried_good")?,
            carried_scrap: row.try_get("carried_scrap")?,
        })
    }
}

/// Only sessions older than the point in time need their changes looked at: of the others everything counts. One
/// statement is one snapshot. Sums of bigint are numeric: cast back, and kept inside it.
const QUERY: &str = "
WITH counted AS (
    SELECT id, ended_at, total_good, total_scrap, created_at FROM sessions
    WHERE ended_at >= $1 AND ($2::uuid[] IS NULL OR station_id = ANY($2))
    UNION ALL
    SELECT id, ended_at, total_good, total_scrap, created_at FROM sessions
    WHERE ended_at IS NULL AND created_at < $1 AND ($2::uuid[] IS NULL OR station_id = ANY($2))
), placed AS (
    SELECT counted.*, coalesce(before.total_good, 0) AS good_before, coalesce(before.total_scrap, 0) AS scrap_before
    FROM counted LEFT JOIN LATERAL (
        SELECT change.total_good, change.total_scrap FROM quantity_changes AS change
        WHERE counted.created_at < $1 AND change.session_id = counted.id AND change.at < $1
        ORDER BY change.version DESC LIMIT 1
    ) AS before ON true
)
SELECT count(ended_at) AS sessions_closed,
    least(coalesce(sum(total_good - good_before) FILTER (WHERE ended_at IS NOT NULL), 0), 9e18)::bigint AS good,
    least(coalesce(sum(total_scrap - scrap_before) FILTER (WHERE ended_at IS NOT NULL), 0), 9e18)::bigint AS scrap,
    least(coalesce(sum(good_before) FILTER (WHERE ended_at IS NULL), 0), 9e18)::bigint AS carried_good,
    least(coalesce(sum(scrap_before) FILTER (WHERE ended_at IS NULL), 0), 9e18)::bigint AS carried_scrap
FROM placed";

impl Store {
    /// What was made since `from`, at these stations; none: at all of them.
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn summary(&self, from: TimeUs, stations: Option<&[StationId]>) -> Result<Summary, StoreError> {
        let stations = stations.map(|stations| stations.iter().map(|station| station.0).collect::<Vec<_>>());
        let query = sqlx::query_as(QUERY).bind(convert::clamped(from)).bind(stations);
        bounded(query.fetch_one(self.pool())).await
    }
}
