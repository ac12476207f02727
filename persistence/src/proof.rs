//! Compares the tables with the log: what a reader of the log has folded must be what Postgres holds.
//!
//! Nothing here is shared with the projection: what a row must say is spelled out a second time. Sessions are kept as
//! hashes of their columns and rows, some 300 B and 24 B an interval, so that a week of a large factory fits in memory.

mod fold;
mod rows;

use std::{collections::HashMap, time::Duration};

use bus_schemas::{SessionId, subject::STREAM_LOG};
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    StoreError, convert,
    database::{self, Limits},
};
pub use fold::Fold;
use fold::{Folded, Kind};
use rows::{Found, FoundRow};

/// A batch of sessions is read in milliseconds; counting the events of a week takes longer.
const PROOF: Limits = Limits { name: "andon-verify", statement_ms: "120000", lock_ms: "10000" };
/// Sessions compared at once.
const BATCH: usize = 500;
/// Between two looks at how far the projection is.
const POLL: Duration = Duration::from_millis(100);

/// What is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The stream sequence up to which the session was folded.
    pub seq: u64,
    /// Which session; none when it is about the tables as a whole.
    pub session_id: Option<SessionId>,
    /// The version to which it was folded.
    pub version: Option<u64>,
    /// What is not the same.
    pub what: String,
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Sessions that were compared.
    pub sessions: u64,
    /// Sessions that have gone on in the tables since the log was read: not compared.
    pub gone_on: u64,
    /// What is not the same, by sequence.
    pub differences: Vec<Difference>,
}

/// Compares the tables at `database_url` with the fold. The projection has `within` to come as far as the fold.
///
/// # Errors
/// The database cannot be reached, or refuses.
pub async fn compare(database_url: &str, fold: &Fold, within: Duration) -> Result<Compared, StoreError> {
    let mut connection = connect(database_url).await?;
    let mut compared = Compared::default();
    let projected = wait(&mut connection, fold.last_seq(), within).await?;
    if projected < fold.last_seq() {
        let what = format!("after {within:?} Postgres is at {projected}, and the log at {}", fold.last_seq());
        compared.differences.push(Difference { seq: projected, session_id: None, version: None, what });
        return Ok(compared);
    }
    // One snapshot for everything: the projection goes on meanwhile.
    let mut snapshot = connection.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *snapshot).await?;
    let sessions = fold.sessions();
    for batch in sessions.chunks(BATCH) {
        compare_batch(&mut snapshot, batch, fold.last_seq(), &mut compared).await?;
    }
    compare_whole(&mut snapshot, fold, &mut compared).await?;
    snapshot.rollback().await?;
    compared.differences.sort_by_key(|difference| difference.seq);
    Ok(compared)
}

/// Whether the projection into the tables at `database_url` comes to this sequence of the log, waiting no longer than
/// `within`.
///
/// # Errors
/// The database cannot be reached, or refuses.
pub async fn comes_to(database_url: &str, seq: u64, within: Duration) -> Result<bool, StoreError> {
    let mut connection = connect(database_url).await?;
    Ok(wait(&mut connection, seq, within).await? >= seq)
}

async fn connect(database_url: &str) -> Result<PgConnection, StoreError> {
    let options = database::options(database_url, &PROOF)?;
    let connected = tokio::time::timeout(database::CONNECT_WITHIN, PgConnection::connect_with(&options)).await;
    Ok(connected.map_err(|_| StoreError::Unavailable("no answer in time".to_owned()))??)
}

/// Waits until the projection has come to `seq`; returns where it is.
async fn wait(connection: &mut PgConnection, seq: u64, within: Duration) -> Result<u64, StoreError> {
    let until = Instant::now() + within;
    loop {
        let at: Option<i64> = sqlx::query_scalar("SELECT seq FROM checkpoints WHERE stream = $1")
            .bind(STREAM_LOG)
            .fetch_optional(&mut *connection)
            .await?;
        let at = at.map_or(0, convert::unsigned);
        if at >= seq || Instant::now() >= until {
            return Ok(at);
        }
        sleep(POLL).await;
    }
}

async fn compare_batch(
    snapshot: &mut Transaction<'_, Postgres>,
    batch: &[(SessionId, &Folded)],
    last_seq: u64,
    compared: &mut Compared,
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = batch.iter().map(|(id, _)| id.0).collect();
    let found = rows::read(snapshot, &ids).await?;
    for (id, folded) in batch {
        let found = found.get(id);
        if found.is_some_and(|found| found.seq > last_seq) {
            compared.gone_on += 1;
            continue;
        }
        compared.sessions += 1;
        if let Some(what) = difference(folded, found) {
            compared.differences.push(Difference {
                seq: folded.seq,
                session_id: Some(*id),
                version: Some(folded.version),
                what,
            });
        }
    }
    Ok(())
}

/// The first thing about a session that is not the same.
fn difference(folded: &Folded, found: Option<&Found>) -> Option<String> {
    let Some(found) = found else { return Some("the session is not in Postgres".to_owned()) };
    if let Some(version) = found.halted_at_version {
        return Some(format!("its projection has halted at version {version}"));
    }
    let differs = |(name, (expected, found)): &(&&str, (&u64, &u64))| {
        (expected != found).then(|| format!("sessions.{name} differs"))
    };
    let fields = fold::COLUMNS.iter().zip(folded.columns.iter().zip(&found.columns));
    fields.into_iter().find_map(|field| differs(&field)).or_else(|| row_difference(folded, &found.rows))
}

fn row_difference(folded: &Folded, found: &HashMap<Uuid, FoundRow>) -> Option<String> {
    for (id, row) in &folded.rows {
        match found.get(id) {
            None => return Some(format!("{} {id} is not in Postgres", row.kind.name())),
            Some(found) if found.hash != row.hash || found.kind != row.kind => {
                return Some(format!("{} {id} differs", row.kind.name()));
            }
            Some(_) => {}
        }
    }
    // What came before the log begins is known to the tables alone.
    let unknown = found.iter().find(|(id, _)| folded.whole && !folded.rows.contains_key(id));
    unknown.map(|(id, row)| format!("{} {id} is not in the log", row.kind.name()))
}

/// What no single session shows: events that one of the two does not have, and messages that could not be projected.
async fn compare_whole(
    snapshot: &mut Transaction<'_, Postgres>,
    fold: &Fold,
    compared: &mut Compared,
) -> Result<(), StoreError> {
    let (first, last) = (fold.first_seq(), fold.last_seq());
    let bound = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
    let counted = "SELECT (SELECT count(*) FROM session_events WHERE seq BETWEEN $1 AND $2), \
                   (SELECT count(*) FROM quarantine WHERE stream = $3 AND seq BETWEEN $1 AND $2), \
                   (SELECT min(seq) FROM quarantine WHERE stream = $3 AND seq BETWEEN $1 AND $2)";
    let (events, quarantined, first_quarantined): (i64, i64, Option<i64>) = sqlx::query_as(counted)
        .bind(bound(first))
        .bind(bound(last))
        .bind(STREAM_LOG)
        .fetch_one(&mut **snapshot)
        .await?;
    let mut differ = |seq: u64, what: String| {
        compared.differences.push(Difference { seq, session_id: None, version: None, what });
    };
    if convert::unsigned(events) != fold.events() {
        differ(last, format!("session_events has {events} of these messages, and the log {}", fold.events()));
    }
    if quarantined > 0 {
        let seq = first_quarantined.map_or(last, convert::unsigned);
        differ(seq, format!("{quarantined} messages could not be projected and are quarantined"));
    }
    Ok(())
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Interval => "status event",
            Self::Quantity => "quantity change",
        }
    }
}
