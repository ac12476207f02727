//! What is in the tables, as text to compare.

use sqlx::PgConnection;

/// Every projected table with its key. Checkpoints are left out: they hold the times at which messages were stored.
const TABLES: [(&str, &str); 12] = [
    ("workers", "id"),
    ("worker_credentials", "worker_id"),
    ("worker_stations", "worker_id, station_id"),
    ("stations", "id"),
    ("jobs", "id"),
    ("reasons", "id"),
    ("statuses", "code"),
    ("directory_edits", "seq, ordinal"),
    ("sessions", "id"),
    ("status_events", "id"),
    ("quantity_changes", "id"),
    ("session_events", "seq"),
];

/// All rows of all projected tables, in order.
pub async fn dump(connection: &mut PgConnection) -> String {
    let mut all = String::new();
    for (table, key) in TABLES {
        let query = format!("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY {key}), '') FROM {table} t");
        all += &format!("--- {table}\n{}\n", sql(connection, &query).await);
    }
    all
}

/// One value as text; empty for null or no row.
pub async fn sql(connection: &mut PgConnection, query: &str) -> String {
    let query = format!("SELECT ({query})::text");
    let value: Option<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query.clone()))
        .fetch_one(connection)
        .await
        .unwrap_or_else(|error| panic!("{query}: {error}"));
    value.unwrap_or_default()
}
