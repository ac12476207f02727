//! The live view: the fold of the log that this gateway holds in memory. Active sessions by worker, id and station,
//! the recently closed ones, and who owns which partition.
//!
//! It never decides anything: the owner does, from the log. It answers heartbeats at once, finds the worker of a
//! session, and is what admins look at.

mod claims;
mod follow;
mod head;
mod sessions;

pub use claims::{Claims, Node};
pub(crate) use follow::{follow_log, follow_seen};
pub use head::Head;
pub(crate) use head::watch_head;
pub use sessions::{Folded, Known, LiveSession, Sessions};

use std::sync::Arc;

use bus_schemas::{Claim, SessionEvent, codec, seen::LastSeen, subject::LogSubject};

use crate::feed::Hub;

/// The view. Clones share it.
#[derive(Clone, Default)]
pub struct LiveView {
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// Who owns which partition.
    pub claims: Arc<Claims>,
    /// How far it has read.
    pub head: Arc<Head>,
    /// What viewers are shown of it.
    pub feed: Arc<Hub>,
}

impl LiveView {
    /// Folds one message of the log. One that cannot be read is counted and skipped: persistence raises the alarm.
    pub fn fold(&self, subject: &str, seq: u64, schema: Option<&str>, payload: &[u8]) {
        let read = match LogSubject::parse(subject) {
            Some(LogSubject::Session(_, worker)) => {
                codec::decode_versioned::<SessionEvent>(schema, payload).map(|event| {
                    if event.state.session.worker_id == worker {
                        self.feed.fold(self.sessions.fold(event, seq), seq);
                    } else {
                        crate::telemetry::unreadable("worker");
                    }
                })
            }
            Some(LogSubject::Claim(partition)) => {
                codec::decode_versioned::<Claim>(schema, payload).map(|claim| self.claims.fold(partition, &claim, seq))
            }
            None => {
                crate::telemetry::unreadable("subject");
                Ok(())
            }
        };
        if let Err(error) = read {
            tracing::error!(subject, seq, %error, "a message of the log cannot be read");
            crate::telemetry::unreadable("payload");
        }
        self.feed.reach(seq);
        self.head.read(seq);
    }

    /// Takes a partition's last-seen table; one of a former owner is ignored.
    pub fn fold_seen(&self, table: &LastSeen) {
        for row in &table.seen {
            self.sessions.seen(row.session_id, row.last_seen_at_us);
        }
    }
}
