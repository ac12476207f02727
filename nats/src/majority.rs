//! Leaves a server that is cut off from the log. Its connection is sound, so the library sees no reason to; but without the
//! other servers it can neither store nor read, for as long as the cut lasts.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use async_nats::{Client, ReconnectToServer, Server};
use bus_schemas::subject::STREAM_LOG;
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{Bus, Connection, ReadError, replies::Replies};

/// How often the log is asked for a sign of life.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Time for one answer.
const ASK_WITHIN: Duration = Duration::from_secs(2);
/// No answer for this long: another server may reach it. The election of a leader takes four seconds and more, and to
/// leave costs a moment of deafness.
const LEAVE_AFTER: Duration = Duration::from_secs(6);

/// Watches over a connection that has other servers to go to, until nobody uses it any more.
pub async fn watch(client: Client, replies: Weak<Replies>, connection: watch::Receiver<Connection>) {
    let mut answered = Instant::now();
    loop {
        sleep(ASK_EVERY).await;
        let Some(replies) = replies.upgrade() else { return };
        let bus = Bus::of(client.clone(), replies, connection.clone());
        if !bus.connected() || is_there(&bus).await {
            answered = Instant::now();
        } else if answered.elapsed() >= LEAVE_AFTER {
            tracing::warn!("the log does not answer through this server: trying another one");
            metrics::counter!("andon_nats_servers_left_total").increment(1);
            // An error means that the connection is being closed.
            let _closed = client.force_reconnect().await;
            answered = Instant::now();
        }
    }
}

async fn is_there(bus: &Bus) -> bool {
    match bus.stream_info(STREAM_LOG, ASK_WITHIN).await {
        Ok(_) => true,
        // Told by the servers' leader: there is one.
        Err(error @ ReadError::Refused { .. }) => error.is_no_stream(),
        Err(_) => false,
    }
}

/// Which server comes after which.
#[derive(Clone, Debug, Default)]
pub struct Rotation(Arc<Mutex<Option<usize>>>);

impl Rotation {
    /// The server after the one of the last attempt, so that none is tried twice while another waits; none before the
    /// first connection, when the library tries all of them.
    pub fn next(&self, servers: &[Server]) -> Option<ReconnectToServer> {
        let mut last = self.0.lock();
        let current = last.or_else(|| servers.iter().position(|server| server.did_connect))?;
        let next = (current + 1).checked_rem(servers.len())?;
        *last = Some(next);
        Some(ReconnectToServer { addr: servers.get(next)?.addr.clone(), delay: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it was connected to, of the servers 0, 1, 2.
    fn servers(connected: [bool; 3]) -> Vec<Server> {
        let server = |(number, did_connect)| Server {
            addr: format!("nats://127.0.0.1:{}", 4222 + number).parse().unwrap(),
            failed_attempts: 0,
            did_connect,
            is_discovered: false,
            last_error: None,
        };
        connected.into_iter().enumerate().map(server).collect()
    }

    fn port(server: Option<ReconnectToServer>) -> Option<u16> {
        server.map(|server| server.addr.port())
    }

    #[test]
    fn servers_are_tried_in_turn_from_the_one_that_was_left() {
        let rotation = Rotation::default();
        assert_eq!(port(rotation.next(&servers([false; 3]))), None);
        let order = [4224, 4222, 4223, 4224].map(Some);
        assert_eq!([(); 4].map(|()| port(rotation.next(&servers([false, true, false])))), order);
    }

    #[test]
    fn with_one_server_there_is_no_other() {
        let rotation = Rotation::default();
        let one = &servers([true; 3])[..1];
        assert_eq!([(); 2].map(|()| port(rotation.next(one))), [Some(4222); 2]);
        assert_eq!(port(rotation.next(&[])), None);
    }
}
