//! Applies the SQL files of `migrations/`, which are part of the binary.

use sqlx::{
    Connection as _, PgConnection,
    migrate::{MigrateError as SqlxError, Migrator},
};
use tokio::time::timeout;

use crate::{
    database::{self, CONNECT_WITHIN, Limits, Meaning},
    error::MigrateError,
};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// A migration may rewrite a table of years: no limit. It does wait at most this long for a lock somebody holds.
const MIGRATION: Limits = Limits { name: "andon-migrate", statement_ms: "0", lock_ms: "30000" };

/// Applies what is missing; applying twice changes nothing. Two processes that migrate at once wait for each other.
///
/// # Errors
/// The database cannot be reached ([`MigrateError::Unavailable`], worth trying again), or it was migrated by another
/// set of migrations.
pub async fn migrate(database_url: &str) -> Result<(), MigrateError> {
    let options = database::options(database_url, &MIGRATION).map_err(MigrateError::BadUrl)?;
    let mut connection = match timeout(CONNECT_WITHIN, PgConnection::connect_with(&options)).await {
        Ok(connected) => connected.map_err(|error| MigrateError::Unavailable(error.to_string()))?,
        Err(_) => return Err(MigrateError::Unavailable("it does not answer".to_owned())),
    };
    // `run` makes a future that cannot be spawned ("implementation of `Acquire` is not general enough").
    MIGRATIONS.run_direct(None, &mut connection, false).await.map_err(refused)?;
    let _done = connection.close().await;
    Ok(())
}

fn refused(error: SqlxError) -> MigrateError {
    match &error {
        SqlxError::Execute(cause) | SqlxError::ExecuteMigration(cause, _)
            if database::meaning(cause) == Meaning::Away =>
        {
            MigrateError::Unavailable(cause.to_string())
        }
        _ => MigrateError::Refused(error),
    }
}
