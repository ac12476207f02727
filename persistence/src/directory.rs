//! The directory in Postgres: a projection of the stream of edits, like the log's, with a checkpoint of its own.

mod plan;
mod removal;
mod write;

use andon_nats::StoredMessage;
use bus_schemas::builtin;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    projection::{WriteError, column},
    quarantine::{self, Quarantined},
};
use plan::Plan;

/// Writes a batch of edits inside the caller's transaction, and returns what could not be read.
pub(crate) async fn project<'a>(
    transaction: &mut Transaction<'_, Postgres>,
    stream: &'static str,
    batch: &'a [StoredMessage],
) -> Result<Vec<Quarantined<'a>>, WriteError> {
    let (plan, quarantined) = Plan::of(batch);
    write::plan(transaction, &plan).await?;
    quarantine::write(transaction, stream, &quarantined).await?;
    Ok(quarantined)
}

/// Writes the built-in statuses; one that is there stays as the directory has made it.
pub(crate) async fn builtin_statuses(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let statuses = builtin::statuses();
    sqlx::query(
        "INSERT INTO statuses (code, label_he, label_ru, label_en, color, machine_class, requires_reason, is_active, \
         built_in, directory_seq) \
         SELECT *, false, true, true, 0 \
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) \
         ON CONFLICT DO NOTHING",
    )
    .bind(column(&statuses, |status| status.code.as_str()))
    .bind(column(&statuses, |status| &*status.label_he))
    .bind(column(&statuses, |status| &*status.label_ru))
    .bind(column(&statuses, |status| &*status.label_en))
    .bind(column(&statuses, |status| &*status.color))
    .bind(column(&statuses, |status| status.machine_class.as_str()))
    .execute(connection)
    .await?;
    Ok(())
}
