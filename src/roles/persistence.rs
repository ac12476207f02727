//! The persistence role of this process.
//!
//! Postgres may be away, also at the start: nothing waits for it. A task of its own migrates where that is asked for,
//! starts the role, and tries again for as long as the database does not answer.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use persistence::{AccountError, MigrateError, PersistenceConfig, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{DRAIN_LIMIT, Future, Role};
use crate::backends::{Backends, NatsRole};
use crate::config::{Config, Secret};

/// How long to wait before Postgres is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// A persistence role that runs, or waits for Postgres.
pub struct Persistence {
    until: CancellationToken,
    task: JoinHandle<()>,
    failure: watch::Receiver<Option<String>>,
}

/// What is done to the database before the projection starts.
pub enum Setup {
    /// Nothing: `andon migrate` does it.
    None,
    /// Migrations are applied and the first account is made: the database is our own.
    Own(FirstAccount),
}

/// The account `admin`, made when there is none.
pub struct FirstAccount {
    /// Its password.
    pub password: Secret,
    /// Where the password is kept, when it was generated: then it is told, once, to whoever started andon.
    pub generated_in: Option<PathBuf>,
}

/// Its name.
const FIRST_ACCOUNT: &str = "admin";

impl Persistence {
    /// Starts it in the background.
    ///
    /// # Errors
    /// There is no address of a database.
    pub fn start(config: &Config, backends: &Backends, setup: Setup) -> anyhow::Result<Self> {
        let config = PersistenceConfig {
            nats: backends.nats(NatsRole::Persistence),
            database_url: backends.database_url.clone().context("persistence needs a database")?,
            retention: config.retention,
        };
        let until = CancellationToken::new();
        let (failed, failure) = watch::channel(None);
        let cancelled = until.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = run(config, setup, cancelled).await {
                failed.send_replace(Some(format!("{error:#}")));
            }
        });
        Ok(Self { until, task, failure })
    }
}

async fn run(config: PersistenceConfig, setup: Setup, until: CancellationToken) -> anyhow::Result<()> {
    if let Setup::Own(account) = setup {
        match until.run_until_cancelled(prepare_database(&config.database_url, &account)).await {
            None => return Ok(()),
            Some(prepared) => prepared?,
        }
    }
    let handle = persistence::start(config).await?;
    let failure = tokio::select! {
        () = until.cancelled() => None,
        failure = handle.failed() => Some(failure),
    };
    handle.drain(DRAIN_LIMIT).await;
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}

/// Migrates and makes the first account, as soon as the database answers.
///
/// # Errors
/// The database refuses: no waiting would help.
pub async fn prepare_database(database_url: &str, account: &FirstAccount) -> anyhow::Result<()> {
    migrate(database_url).await?;
    ensure_account(database_url, account).await
}

async fn ensure_account(database_url: &str, account: &FirstAccount) -> anyhow::Result<()> {
    let store = Store::connect_lazy(database_url)?;
    let made = loop {
        match store.ensure_admin(FIRST_ACCOUNT, account.password.expose()).await {
            Err(AccountError::Store(error)) if error.is_unavailable() => tokio::time::sleep(RETRY_INTERVAL).await,
            other => break other?,
        }
    };
    store.close().await;
    if let Some(file) = account.generated_in.as_ref().filter(|_| made) {
        // Not through the log, which may be gathered and kept.
        eprintln!(
            "the first account is `{FIRST_ACCOUNT}`, its password {} (kept in {})",
            account.password.expose(),
            file.display()
        );
    }
    Ok(())
}

/// Migrates, as soon as the database answers.
///
/// # Errors
/// The database refuses the migrations: no waiting would help.
async fn migrate(database_url: &str) -> Result<(), MigrateError> {
    let mut told = false;
    loop {
        match persistence::migrate(database_url).await {
            Err(MigrateError::Unavailable(why)) => {
                // A private Postgres takes a second to start: worth a line only once.
                if !told {
                    tracing::info!(why, "waiting for Postgres");
                }
                told = true;
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            other => return other,
        }
    }
}

impl Role for Persistence {
    fn name(&self) -> &'static str {
        "persistence"
    }

    fn watch(&self) -> Future<'_, anyhow::Error> {
        let mut failure = self.failure.clone();
        Box::pin(async move {
            let reason = failure.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
            match reason {
                Some(reason) => anyhow::Error::msg(reason),
                None if self.until.is_cancelled() => std::future::pending().await,
                // A panic: nobody projects any more.
                None => anyhow::Error::msg("it ended unexpectedly"),
            }
        })
    }

    fn drain(self: Box<Self>) -> Future<'static, ()> {
        Box::pin(async move {
            self.until.cancel();
            match tokio::time::timeout(DRAIN_LIMIT, self.task).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => tracing::error!("the persistence role had panicked"),
                // What it has not committed, it reads again from the log.
                Err(_) => tracing::warn!("the persistence role does not end in time"),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn with_task(
        task: impl std::future::Future<Output = ()> + Send + 'static,
        until: &CancellationToken,
    ) -> Persistence {
        let (failed, failure) = watch::channel(None);
        let task = tokio::spawn(async move {
            task.await;
            drop(failed);
        });
        Persistence { until: until.clone(), task, failure }
    }

    #[tokio::test]
    async fn a_role_that_ends_without_being_asked_to_has_failed() {
        // given one that panics, and one that was drained
        let panicking = with_task(async { panic!("as the subject of this test") }, &CancellationToken::new());
        let drain = CancellationToken::new();
        drain.cancel();
        let drained = with_task(async {}, &drain);
        // then only the first has failed
        let told = tokio::time::timeout(Duration::from_secs(5), panicking.watch()).await;
        let failure = told.expect("it has failed").to_string();
        assert!(failure.contains("unexpectedly"), "{failure}");
        assert!(tokio::time::timeout(Duration::from_millis(50), drained.watch()).await.is_err());
    }
}
