//! How connections to Postgres are made, and what an error of it means.

use std::{str::FromStr, time::Duration};

use sqlx::postgres::PgConnectOptions;

/// A connection that is not there after this is not coming: the address is wrong or the server frozen.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Limits that the server keeps for one kind of connection.
pub struct Limits {
    /// Shown in `pg_stat_activity`.
    pub name: &'static str,
    /// Longest statement.
    pub statement_ms: &'static str,
    /// Longest wait for a lock: a person's `LOCK TABLE` must not hold a reader for ever.
    pub lock_ms: &'static str,
}

/// Of the projection: a batch takes milliseconds; half a minute is for a disk in trouble.
pub const PROJECTION: Limits = Limits { name: "andon-projection", statement_ms: "20000", lock_ms: "10000" };
/// Of reads that a person waits for.
pub const READS: Limits = Limits { name: "andon-reads", statement_ms: "2500", lock_ms: "1000" };

/// Options for connections with these limits.
///
/// # Errors
/// The address is no Postgres address.
pub fn options(database_url: &str, limits: &Limits) -> Result<PgConnectOptions, sqlx::Error> {
    // The library would take any scheme for Postgres.
    if !["postgres://", "postgresql://"].iter().any(|scheme| database_url.starts_with(scheme)) {
        return Err(sqlx::Error::Configuration("it does not start with postgres://".into()));
    }
    let options = PgConnectOptions::from_str(database_url)?;
    Ok(options.application_name(limits.name).options([
        ("statement_timeout", limits.statement_ms),
        ("lock_timeout", limits.lock_ms),
        ("idle_in_transaction_session_timeout", "30000"),
        ("timezone", "UTC"),
        // A client whose machine vanished would hold its locks, the projector's above all, for two hours.
        ("tcp_keepalives_idle", "2"),
        ("tcp_keepalives_interval", "1"),
        ("tcp_keepalives_count", "3"),
    ]))
}

/// What an error of the database asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The server is away, overloaded, not migrated, or gave up: try again later.
    Away,
    /// These very values are refused (SQLSTATE classes 21, 22, 23 and 54): trying again is no use.
    BadData,
    /// Anything else: a fault of this program or of the database's state.
    Other,
}

/// What this error asks for.
pub fn meaning(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Meaning::Away,
        sqlx::Error::Encode(_) => Meaning::BadData,
        sqlx::Error::Database(error) => by_code(error.code().as_deref().unwrap_or_default()),
        _ => Meaning::Other,
    }
}

/// Undefined table or column: the migrations have not run yet.
const NOT_MIGRATED: [&str; 2] = ["42P01", "42703"];
/// The server ended a transaction that took too long: it, or this process, was frozen in the middle of it.
const OUT_OF_TIME: [&str; 2] = ["25P03", "25P04"];

fn by_code(code: &str) -> Meaning {
    if NOT_MIGRATED.contains(&code) || OUT_OF_TIME.contains(&code) {
        return Meaning::Away;
    }
    match code.get(..2).unwrap_or_default() {
        // Connection; transaction rollback (deadlock); resources; lock not available; operator intervention
        // (shutdown, cancelled by a time limit); system error; wrong password or database, which a person can mend.
        "08" | "40" | "53" | "55" | "57" | "58" | "28" | "3D" => Meaning::Away,
        "21" | "22" | "23" | "54" => Meaning::BadData,
        _ => Meaning::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_its_code() {
        let away = ["08006", "25P03", "25P04", "40P01", "53300", "55P03", "57014", "57P01", "42P01", "28P01", "3D000"];
        for code in away {
            assert_eq!(by_code(code), Meaning::Away, "{code}");
        }
        for code in ["22021", "22008", "23502", "23505", "21000", "54000"] {
            assert_eq!(by_code(code), Meaning::BadData, "{code}");
        }
        for code in ["42601", "", "XX000"] {
            assert_eq!(by_code(code), Meaning::Other, "{code}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        assert!(options("mysql://localhost/andon", &READS).is_err());
        assert!(options("not an address", &READS).is_err());
    }
}
