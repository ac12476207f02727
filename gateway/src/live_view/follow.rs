//! The tasks that carry the log and the last-seen tables into the view.

use andon_nats::{Bus, Followed, Follower, Start};
use bus_schemas::{
    Partition,
    limits::PARTITIONS,
    seen::LastSeen,
    subject::{CLAIMS, SEEN, SESSIONS, STREAM_LOG, STREAM_SEEN},
};
use tokio_util::sync::CancellationToken;

use super::LiveView;

/// Follows sessions and claims until stopped.
pub(crate) async fn follow_log(view: LiveView, bus: Bus, stop: CancellationToken) {
    let filters = vec![SESSIONS.to_owned(), CLAIMS.to_owned()];
    let mut follower = Follower::new(bus, STREAM_LOG, filters, Start::LastPerSubject);
    loop {
        let followed = tokio::select! {
            () = stop.cancelled() => return,
            followed = follower.next() => followed,
        };
        match followed {
            Followed::Message(message) => {
                view.fold(&message.subject, message.seq, message.schema(), &message.payload);
                view.feed.lag(message.time_us);
            }
            Followed::CaughtUp => {
                view.feed.catch_up(follower.last_seq());
                view.head.read(follower.last_seq());
                crate::telemetry::live_sessions(view.sessions.count());
            }
            Followed::Interrupted(why) => tracing::warn!(why, "the live view lost the log and goes on"),
        }
    }
}

/// Follows the last-seen tables until stopped.
pub(crate) async fn follow_seen(view: LiveView, bus: Bus, stop: CancellationToken) {
    let mut follower = Follower::new(bus, STREAM_SEEN, vec![SEEN.to_owned()], Start::LastPerSubject);
    let mut claim_seqs = vec![0_u64; usize::from(PARTITIONS)];
    loop {
        let followed = tokio::select! {
            () = stop.cancelled() => return,
            followed = follower.next() => followed,
        };
        let Followed::Message(message) = followed else { continue };
        let partition = message.subject.rsplit('.').next().and_then(|token| token.parse::<Partition>().ok());
        match (partition, message.decode::<LastSeen>()) {
            (Some(partition), Ok(table)) => {
                let newest = &mut claim_seqs[partition.index()];
                // A former owner's table says less than nothing.
                if table.claim_seq >= *newest {
                    *newest = table.claim_seq;
                    view.fold_seen(&table);
                }
            }
            _ => crate::telemetry::unreadable("seen"),
        }
    }
}
