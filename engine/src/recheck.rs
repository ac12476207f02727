//! After every reconnect the server may be another, or configured otherwise: an acknowledgement is only worth something
//! on a log that passes the check.

use std::{sync::Arc, time::Duration};

use andon_nats::{Connection, NatsConfig, NatsError, StreamFacts, server::Unfit};
use bus_schemas::TimeUs;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;

/// Time for a check.
const CHECK_WITHIN: Duration = Duration::from_secs(10);
/// A check that was not answered (no leader yet, a slow monitor) is made again after this.
const CHECK_AGAIN: Duration = Duration::from_secs(2);

/// What a check has shown.
#[derive(Debug, PartialEq, Eq)]
enum Checked {
    /// It is the log as it was.
    Fit,
    /// The engine must not go on.
    Unfit(String),
    /// Nobody knows yet.
    Unknown(String),
}

/// Checks after every reconnect, until `stop`; halts the engine and tells `fail` why when it must not go on.
pub async fn run(
    shared: Arc<Shared>,
    nats: NatsConfig,
    created_us: TimeUs,
    fail: watch::Sender<Option<String>>,
    stop: CancellationToken,
) {
    let (bus, nats) = (shared.bus(), &nats);
    let check = || async {
        // Before the log is asked: meanwhile it may grow, and what was appended may already have been read.
        let read_to = shared.log_seq();
        let checking = async {
            andon_nats::server::check(bus, nats).await.map_err(NatsError::from)?;
            andon_nats::streams::check(bus, nats).await
        };
        match timeout(CHECK_WITHIN, checking).await {
            Ok(facts) => judge(facts, created_us, read_to),
            Err(_) => Checked::Unknown(format!("no answer within {CHECK_WITHIN:?}")),
        }
    };
    let reason = tokio::select! {
        () = stop.cancelled() => return,
        reason = watch_over(shared.bus().connection(), check) => reason,
    };
    let Some(reason) = reason else { return };
    tracing::error!(%reason, "the engine stops");
    shared.halt();
    drop(fail.send(Some(reason)));
}

/// Why the engine must not go on; `None` when the connection is given up.
async fn watch_over<F: Future<Output = Checked>>(
    mut connection: watch::Receiver<Connection>,
    check: impl Fn() -> F,
) -> Option<String> {
    let mut unchecked = false;
    loop {
        tokio::select! {
            changed = connection.changed() => changed.ok()?,
            () = sleep(CHECK_AGAIN), if unchecked => {}
        }
        if !connection.borrow_and_update().up {
            // The next connect is a change.
            unchecked = false;
            continue;
        }
        match check().await {
            Checked::Fit => unchecked = false,
            Checked::Unfit(reason) => return Some(reason),
            Checked::Unknown(why) => {
                if !std::mem::replace(&mut unchecked, true) {
                    tracing::warn!(%why, "the log could not be checked after a reconnect; trying again");
                }
            }
        }
    }
}

fn judge(facts: Result<StreamFacts, NatsError>, created_us: TimeUs, read_to: u64) -> Checked {
    match facts {
        Ok(log) if log.created_us != created_us => {
            Checked::Unfit("the log is another one: its stream was made anew".to_owned())
        }
        Ok(log) if log.last_seq < read_to => {
            Checked::Unfit(format!("the log went backwards: it ends at {}, and was read to {read_to}", log.last_seq))
        }
        Ok(_) => Checked::Fit,
        Err(NatsError::Unfit(
            unfit @ (Unfit::Version(_) | Unfit::SyncInterval(_) | Unfit::Damaged { .. } | Unfit::Setting { .. }),
        )) => Checked::Unfit(unfit.to_string()),
        Err(error) => Checked::Unknown(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_check_without_an_answer_is_made_again_until_there_is_one() {
        // given a log that went backwards, and whose leader is elected only after a while
        let (connection, watched) = watch::channel(Connection { up: true, epoch: 0 });
        let asked = AtomicU32::new(0);
        let check = || async {
            match asked.fetch_add(1, Ordering::Relaxed) {
                0..3 => Checked::Unknown("no leader".to_owned()),
                _ => Checked::Unfit("backwards".to_owned()),
            }
        };
        // when there was one reconnect
        connection.send_replace(Connection { up: true, epoch: 2 });
        // then that is found out.
        let found = timeout(CHECK_AGAIN * 4, watch_over(watched, check)).await;
        assert_eq!(found, Ok(Some("backwards".to_owned())));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_checked_without_a_reconnect_nor_while_there_is_no_connection() {
        let (connection, watched) = watch::channel(Connection { up: true, epoch: 0 });
        let asked = AtomicU32::new(0);
        let check = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            // The connection goes as soon as it is asked.
            connection.send_replace(Connection { up: false, epoch: 3 });
            Checked::Unknown("disconnected".to_owned())
        };
        let watching = watch_over(watched, check);
        tokio::pin!(watching);
        assert!(timeout(CHECK_AGAIN * 4, &mut watching).await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        connection.send_replace(Connection { up: true, epoch: 2 });
        assert!(timeout(CHECK_AGAIN * 4, &mut watching).await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
