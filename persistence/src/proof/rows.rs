//! What the tables hold, as the same hashes.

use std::collections::HashMap;

use bus_schemas::SessionId;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::fold::{Kind, hash, hash_each};
use crate::{StoreError, convert};

/// A session as the tables have it.
pub(super) struct Found {
    pub seq: u64,
    pub halted_at_version: Option<i64>,
    pub columns: Vec<u64>,
    pub rows: HashMap<Uuid, FoundRow>,
}

/// A row that belongs to it.
pub(super) struct FoundRow {
    pub kind: Kind,
    pub hash: u64,
}

type SessionColumns = (Uuid, i64, Option<i64>, Vec<Option<String>>);
type RowColumns = (Uuid, Uuid, Vec<Option<String>>);

/// Times as the log has them: whole microseconds.
macro_rules! us {
    ($column:literal) => {
        concat!("(extract(epoch FROM ", $column, ") * 1000000)::bigint::text")
    };
}

const SESSIONS: &str = concat!(
    "SELECT id, seq, halted_at_version, ARRAY[version::text, seq::text, worker_id::text, station_id::text, \
     job_id::text, status, current_status, ",
    us!("started_at"),
    ", ",
    us!("ended_at"),
    ", total_good::text, total_scrap::text, start_checklist_completed::text, end_checklist_completed::text, ",
    us!("forced_closed_at"),
    ", ",
    us!("last_status_change_at"),
    ", closed_cause, last_working_status, ",
    us!("effective_end_at"),
    ", ",
    us!("created_at"),
    ", worker_name, station_code, station_name, job_number, customer_name, planned_quantity::text] \
     FROM sessions WHERE id = ANY($1)"
);

const INTERVALS: &str = concat!(
    "SELECT session_id, id, ARRAY[status, reason_id::text, note, image_url, ",
    us!("started_at"),
    ", ",
    us!("ended_at"),
    ", ",
    us!("reported_at"),
    "] FROM status_events WHERE session_id = ANY($1)"
);

const QUANTITIES: &str = concat!(
    "SELECT session_id, id, ARRAY[status_event_id::text, total_good::text, total_scrap::text, good_delta::text, \
     scrap_delta::text, reason_id::text, ",
    us!("at"),
    "] FROM quantity_changes WHERE session_id = ANY($1)"
);

/// Reads these sessions.
pub(super) async fn read(
    snapshot: &mut Transaction<'_, Postgres>,
    ids: &[Uuid],
) -> Result<HashMap<SessionId, Found>, StoreError> {
    let sessions: Vec<SessionColumns> = sqlx::query_as(SESSIONS).bind(ids).fetch_all(&mut **snapshot).await?;
    let found = |(id, seq, halted_at_version, columns): SessionColumns| {
        let columns = hash_each(&columns);
        (SessionId(id), Found { seq: convert::unsigned(seq), halted_at_version, columns, rows: HashMap::new() })
    };
    let mut sessions: HashMap<SessionId, Found> = sessions.into_iter().map(found).collect();
    for (kind, query) in [(Kind::Interval, INTERVALS), (Kind::Quantity, QUANTITIES)] {
        let rows: Vec<RowColumns> = sqlx::query_as(query).bind(ids).fetch_all(&mut **snapshot).await?;
        for (session, id, columns) in rows {
            if let Some(found) = sessions.get_mut(&SessionId(session)) {
                found.rows.insert(id, FoundRow { kind, hash: hash(&columns) });
            }
        }
    }
    Ok(sessions)
}
