//! Marks rows as removed. They stay: reports still find the names, and a replay finds the removal.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{Postgres, Transaction};

use super::plan::Edited;
use crate::{
    convert::{self, DoesNotFit},
    projection::{WriteError, column},
};

/// A table whose rows can be marked.
#[derive(Clone, Copy)]
pub enum Table {
    Workers,
    Stations,
    Jobs,
    Reasons,
    Statuses,
}

macro_rules! mark {
    ($table:literal, $key:literal, $type:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET removed_at = gone.at, directory_seq = gone.seq \
             FROM UNNEST($1::text[], $2::bigint[], $3::timestamptz[]) AS gone (key, seq, at) \
             WHERE ",
            $table,
            ".",
            $key,
            " = gone.key::",
            $type,
            " AND ",
            $table,
            ".directory_seq < gone.seq"
        )
    };
}

impl Table {
    const fn mark(self) -> &'static str {
        match self {
            Self::Workers => mark!("workers", "id", "uuid"),
            Self::Stations => mark!("stations", "id", "uuid"),
            Self::Jobs => mark!("jobs", "id", "uuid"),
            Self::Reasons => mark!("reasons", "id", "uuid"),
            Self::Statuses => mark!("statuses", "code", "text"),
        }
    }
}

struct Gone {
    key: String,
    seq: i64,
    at: DateTime<Utc>,
}

/// Marks what the batch removed without having put it before; a record that it did put is written as removed at once.
pub async fn mark<K: ToString, T>(
    transaction: &mut Transaction<'_, Postgres>,
    table: Table,
    edited: &HashMap<K, Edited<T>>,
) -> Result<(), WriteError> {
    let gone: Vec<Gone> = edited.iter().filter_map(gone).collect::<Result<_, _>>()?;
    if gone.is_empty() {
        return Ok(());
    }
    sqlx::query(table.mark())
        .bind(column(&gone, |row| row.key.as_str()))
        .bind(column(&gone, |row| row.seq))
        .bind(column(&gone, |row| row.at))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn gone<K: ToString, T>((key, edited): (&K, &Edited<T>)) -> Option<Result<Gone, DoesNotFit>> {
    let at = edited.removed_at.filter(|_| edited.record.is_none())?;
    let row = convert::number("seq", edited.seq)
        .and_then(|seq| Ok(Gone { key: key.to_string(), seq, at: convert::time("at_us", at)? }));
    Some(row)
}
