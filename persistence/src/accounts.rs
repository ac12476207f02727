//! Accounts of people who watch and administer: kept here alone, not on the bus.

mod change;
mod hashing;
mod name;
mod password;

use bus_schemas::{StationId, TimeUs};
use chrono::{DateTime, Utc};
use sqlx::{FromRow, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{Store, convert, error::StoreError, store::bounded};

pub use change::{AccountChange, NewAccount};
pub use hashing::HASHES_AT_ONCE;
pub(crate) use hashing::Hashing;
pub use password::{PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS};

/// What an account may do. Each may do what the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Closes sessions.
    Supervisor,
    /// Edits the directory and accounts.
    Admin,
}

impl Role {
    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
        }
    }

    /// The role with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Supervisor, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

/// An account, without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name, as it was created.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// May sign in.
    pub is_active: bool,
    /// Limited to these stations; none: all.
    pub stations: Option<Vec<StationId>>,
    /// When it was made.
    pub created_at_us: TimeUs,
    /// When it was last changed.
    pub updated_at_us: TimeUs,
    /// When its password was last set.
    pub password_changed_at_us: TimeUs,
}

/// An account could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The name is not allowed.
    #[error("an account name is 1 to 200 characters in one line: {0}")]
    BadName(bus_schemas::text::TextError),
    /// The password is not allowed.
    #[error("a password is {PASSWORD_MIN_CHARS} characters or more, and at most {PASSWORD_MAX_BYTES} bytes")]
    BadPassword,
    /// There is an account of this name, or of one that differs in case only.
    #[error("there is an account of this name already")]
    Exists,
    /// There is none of this name.
    #[error("there is no account of this name")]
    NotFound,
    /// Nobody could administer any more.
    #[error("this is the last active admin: make another account an admin first")]
    LastAdmin,
    /// Too many passwords are being checked: try again.
    #[error("too many passwords are being checked: try again in a moment")]
    Busy,
    /// A password could not be hashed or a stored hash not be read.
    #[error("a password hash cannot be made or read: {0}")]
    Hash(String),
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The columns of an account, without the hash.
const SELECT: &str =
    "SELECT name, role, is_active, stations, created_at, updated_at, password_changed_at FROM accounts";

impl FromRow<'_, PgRow> for Account {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let time = |column: &str| row.try_get::<DateTime<Utc>, _>(column).map(convert::time_us);
        let role: String = row.try_get("role")?;
        let stations: Option<Vec<Uuid>> = row.try_get("stations")?;
        Ok(Self {
            name: row.try_get("name")?,
            role: Role::parse(&role).ok_or_else(|| sqlx::Error::Decode(format!("role {role:?}").into()))?,
            is_active: row.try_get("is_active")?,
            stations: stations.map(|ids| ids.into_iter().map(StationId).collect()),
            created_at_us: time("created_at")?,
            updated_at_us: time("updated_at")?,
            password_changed_at_us: time("password_changed_at")?,
        })
    }
}

impl Store {
    /// Every account, by name.
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let query = sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} ORDER BY lower(name)")));
        bounded(query.fetch_all(self.pool())).await
    }

    /// One account.
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        let Ok(name) = name::normal(name) else { return Ok(None) };
        let query = sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE lower(name) = lower($1)")));
        bounded(query.bind(name).fetch_optional(self.pool())).await
    }

    /// The account, when the password is its own and it is active. An unknown name, a wrong password and a disabled
    /// account give the same answer after the same work, so that nobody learns which names exist.
    ///
    /// # Errors
    /// Postgres is away, or [`AccountError::Busy`].
    pub async fn verify_password(&self, name: &str, password: &str) -> Result<Option<Account>, AccountError> {
        let known: Option<(Account, String)> = match name::normal(name) {
            Ok(name) => self.with_hash(&name).await?,
            Err(_) => None,
        };
        let hash = known.as_ref().map(|(_, hash)| hash.clone());
        let right = self.check_password(password, hash).await?;
        Ok(known.filter(|(account, _)| right && account.is_active).map(|(account, _)| account))
    }

    async fn with_hash(&self, name: &str) -> Result<Option<(Account, String)>, StoreError> {
        let query = sqlx::query("SELECT * FROM accounts WHERE lower(name) = lower($1)").bind(name);
        let Some(row) = bounded(query.fetch_optional(self.pool())).await? else { return Ok(None) };
        Ok(Some((Account::from_row(&row)?, row.try_get("password_hash")?)))
    }
}
