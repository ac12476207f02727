//! Making and changing accounts. There is always an active admin.

use bus_schemas::StationId;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{Account, AccountError, Role, name};
use crate::{Store, store::bounded};

/// A new account.
#[derive(Clone)]
pub struct NewAccount {
    /// Its name: unique, whatever the case.
    pub name: String,
    /// Its password.
    pub password: String,
    /// What it may do.
    pub role: Role,
    /// Limited to these stations; none: all.
    pub stations: Option<Vec<StationId>>,
}

/// What changes of an account; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    /// What it may do.
    pub role: Option<Role>,
    /// May sign in.
    pub is_active: Option<bool>,
    /// Limited to these stations; inner none: all.
    pub stations: Option<Option<Vec<StationId>>>,
}

impl Store {
    /// Makes an account.
    ///
    /// # Errors
    /// Postgres is away; the name or the password is not allowed; [`AccountError::Exists`]; [`AccountError::Busy`].
    pub async fn create_account(&self, new: &NewAccount) -> Result<Account, AccountError> {
        let name = name::normal(&new.name).map_err(AccountError::BadName)?;
        let hash = self.hash_password(&new.password).await?;
        let query = sqlx::query_as(
            "INSERT INTO accounts (name, password_hash, role, is_active, stations) VALUES ($1, $2, $3, true, $4) \
             ON CONFLICT DO NOTHING \
             RETURNING name, role, is_active, stations, created_at, updated_at, password_changed_at",
        )
        .bind(name)
        .bind(hash)
        .bind(new.role.as_str())
        .bind(ids(new.stations.as_deref()));
        bounded(query.fetch_optional(self.pool())).await?.ok_or(AccountError::Exists)
    }

    /// Makes this admin unless there is an account of that name, whose password stays as it is. Returns whether it was
    /// made.
    ///
    /// # Errors
    /// As [`Store::create_account`], without [`AccountError::Exists`].
    pub async fn ensure_admin(&self, name: &str, password: &str) -> Result<bool, AccountError> {
        if self.account(name).await?.is_some() {
            return Ok(false);
        }
        let new =
            NewAccount { name: name.to_owned(), password: password.to_owned(), role: Role::Admin, stations: None };
        match self.create_account(&new).await {
            Ok(_) => Ok(true),
            // Another process was faster.
            Err(AccountError::Exists) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets a password. Whoever calls this revokes what the account is signed in with.
    ///
    /// # Errors
    /// Postgres is away; the password is not allowed; [`AccountError::NotFound`]; [`AccountError::Busy`].
    pub async fn set_password(&self, name: &str, password: &str) -> Result<(), AccountError> {
        let name = name::normal(name).map_err(AccountError::BadName)?;
        let hash = self.hash_password(password).await?;
        let query = sqlx::query(
            "UPDATE accounts SET password_hash = $2, password_changed_at = now(), updated_at = now() \
             WHERE lower(name) = lower($1)",
        )
        .bind(name)
        .bind(hash);
        match bounded(query.execute(self.pool())).await?.rows_affected() {
            0 => Err(AccountError::NotFound),
            _ => Ok(()),
        }
    }

    /// Changes an account.
    ///
    /// # Errors
    /// Postgres is away; [`AccountError::NotFound`]; [`AccountError::LastAdmin`].
    pub async fn change_account(&self, name: &str, change: &AccountChange) -> Result<Account, AccountError> {
        let name = name::normal(name).map_err(AccountError::BadName)?;
        let work = async {
            let mut transaction = self.pool().begin().await?;
            let result = apply(&mut transaction, &name, change).await?;
            if result.is_ok() {
                transaction.commit().await?;
            }
            Ok::<_, sqlx::Error>(result)
        };
        bounded(work).await?
    }
}

/// The outer error is the database's, the inner one ours; the transaction is then left to roll back.
async fn apply(
    transaction: &mut Transaction<'_, Postgres>,
    name: &str,
    change: &AccountChange,
) -> Result<Result<Account, AccountError>, sqlx::Error> {
    // Two admins who disable each other at once must not both succeed: one change at a time.
    sqlx::query("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE").execute(&mut **transaction).await?;
    let query = sqlx::query_as(
        "UPDATE accounts SET role = coalesce($2, role), is_active = coalesce($3, is_active), \
         stations = CASE WHEN $4 THEN $5 ELSE stations END, updated_at = now() \
         WHERE lower(name) = lower($1) \
         RETURNING name, role, is_active, stations, created_at, updated_at, password_changed_at",
    )
    .bind(name)
    .bind(change.role.map(Role::as_str))
    .bind(change.is_active)
    .bind(change.stations.is_some())
    .bind(ids(change.stations.as_ref().and_then(Option::as_deref)));
    let Some(account) = query.fetch_optional(&mut **transaction).await? else {
        return Ok(Err(AccountError::NotFound));
    };
    Ok(if admins(transaction).await? == 0 { Err(AccountError::LastAdmin) } else { Ok(account) })
}

async fn admins(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM accounts WHERE role = 'admin' AND is_active").fetch_one(connection).await
}

fn ids(stations: Option<&[StationId]>) -> Option<Vec<Uuid>> {
    stations.map(|stations| stations.iter().map(|station| station.0).collect())
}
