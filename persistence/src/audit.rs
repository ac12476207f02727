//! What accounts did, newest first: edits of records, and everything else that they do.

use bus_schemas::TimeUs;
use chrono::{DateTime, Utc};
use sqlx::{FromRow, Postgres, QueryBuilder, Row, postgres::PgRow};

use crate::{Store, convert, error::StoreError, store::bounded};

/// Entries on a page at most.
pub const PAGE_MAX: u32 = 200;

/// Where an entry stands: stream sequence, and which of the message's records.
pub type Place = (u64, u32);

/// Which entries. Everything given must hold.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// By this actor: `admin:<account>`, `worker:<id>` or `system`.
    pub actor: Option<String>,
    /// About this kind of thing: `worker`, `account`, `session` ….
    pub kind: Option<String>,
    /// About this one.
    pub record_id: Option<String>,
    /// At this time or later.
    pub from_us: Option<TimeUs>,
    /// Before this time.
    pub to_us: Option<TimeUs>,
    /// Behind this one.
    pub after: Option<Place>,
    /// How many at most, 1 to [`PAGE_MAX`].
    pub limit: u32,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Stream sequence of the message.
    pub seq: u64,
    /// Which of the message's records, from 0.
    pub ordinal: u32,
    /// When.
    pub at_us: TimeUs,
    /// Who: `admin:<account>`, `worker:<id>` or `system`.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what kind of thing.
    pub kind: String,
    /// To which.
    pub record_id: String,
    /// What else is worth knowing.
    pub detail: Option<String>,
}

impl FromRow<'_, PgRow> for AuditRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            seq: convert::unsigned(row.try_get("seq")?),
            ordinal: u32::try_from(row.try_get::<i32, _>("ordinal")?).unwrap_or(0),
            at_us: convert::time_us(row.try_get::<DateTime<Utc>, _>("at")?),
            actor: row.try_get("actor")?,
            action: row.try_get("action")?,
            kind: row.try_get("kind")?,
            record_id: row.try_get("record_id")?,
            detail: row.try_get("detail")?,
        })
    }
}

impl Store {
    /// A page of what was done, and where the next page begins; none: this is the last.
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<(Vec<AuditRow>, Option<Place>), StoreError> {
        let limit = filter.limit.clamp(1, PAGE_MAX);
        let mut query = query(filter, limit);
        let mut rows = bounded(query.build_query_as::<AuditRow>().fetch_all(self.pool())).await?;
        // One more than asked for was read: it only tells that there is a next page.
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| (row.seq, row.ordinal));
        Ok((rows, next))
    }
}

/// Signing out and in revokes tokens: entries of their own tell of it, and the records of it are left out.
fn query(filter: &AuditFilter, limit: u32) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT * FROM directory_edits WHERE kind <> 'revoked'");
    let texts = [("actor", &filter.actor), ("kind", &filter.kind), ("record_id", &filter.record_id)];
    for (column, value) in texts {
        if let Some(value) = value {
            query.push(" AND ").push(column).push(" = ").push_bind(value.clone());
        }
    }
    if let Some(from) = filter.from_us {
        query.push(" AND at >= ").push_bind(convert::clamped(from));
    }
    if let Some(to) = filter.to_us {
        query.push(" AND at < ").push_bind(convert::clamped(to));
    }
    if let Some((seq, ordinal)) = filter.after {
        query.push(" AND (seq, ordinal) < (").push_bind(i64::try_from(seq).unwrap_or(i64::MAX));
        query.push(", ").push_bind(i32::try_from(ordinal).unwrap_or(i32::MAX)).push(")");
    }
    query.push(" ORDER BY seq DESC, ordinal DESC LIMIT ").push_bind(i64::from(limit) + 1);
    query
}
