//! Every subject and stream name, the headers on messages, and how a subject is read back.

use crate::{ids::WorkerId, partition::Partition};

/// Stream of session events and claims.
pub const STREAM_LOG: &str = "ANDON";
/// Stream of directory records: the audit trail of edits.
pub const STREAM_DIRECTORY: &str = "ANDON_DIRECTORY";
/// Stream of last-seen tables, last value only.
pub const STREAM_SEEN: &str = "ANDON_SEEN";

/// In the metadata of [`STREAM_LOG`]: how often it was restored from a backup. What was read before is worth nothing.
pub const METADATA_GENERATION: &str = "andon-generation";

/// All session events.
pub const SESSIONS: &str = "andon.v1.session.>";
/// All claims.
pub const CLAIMS: &str = "andon.v1.claim.*";
/// All directory records.
pub const DIRECTORY: &str = "andon.v1.directory.>";
/// All last-seen tables.
pub const SEEN: &str = "andon.v1.seen.*";

/// What every node tells all others of itself. No node has this id: a node's own ends in a random part.
pub const NODES: &str = "andon.v1.node.all";

/// Where each message goes, with its parameters in braces; the functions below fill them in.
pub mod address {
    /// Session events.
    pub const SESSION: &str = "andon.v1.session.{partition}.{worker_id}";
    /// Claims.
    pub const CLAIM: &str = "andon.v1.claim.{partition}";
    /// Directory records.
    pub const DIRECTORY: &str = "andon.v1.directory.{kind}.{id}";
    /// Last-seen tables.
    pub const SEEN: &str = "andon.v1.seen.{partition}";
    /// Commands.
    pub const COMMAND: &str = "andon.v1.cmd.{node_id}";
    /// Heartbeats and echo.
    pub const HEARTBEAT: &str = "andon.v1.heartbeat.{node_id}";
    /// Liveness.
    pub const NODE: &str = "andon.v1.node.{node_id}";
    /// What nodes tell each other.
    pub const NODES: &str = super::NODES;
}

/// Header: the event's id, for whoever wants to see it without decoding.
pub const HEADER_EVENT_ID: &str = "Andon-Event-Id";
/// Header: what happened (`opened`, `status-changed`, …).
pub const HEADER_EVENT: &str = "Andon-Event";
/// Header: `<major>.<minor>` of the message.
pub const HEADER_SCHEMA: &str = "Andon-Schema";
/// Header: W3C trace context.
pub const HEADER_TRACE: &str = "traceparent";

/// The subject of a worker's chain.
#[must_use]
pub fn session(worker: WorkerId) -> String {
    format!("andon.v1.session.{}.{worker}", Partition::of(worker))
}

/// The subjects of all chains in a partition.
#[must_use]
pub fn sessions_of(partition: Partition) -> String {
    format!("andon.v1.session.{partition}.*")
}

/// The subject of a partition's claim.
#[must_use]
pub fn claim(partition: Partition) -> String {
    format!("andon.v1.claim.{partition}")
}

/// The subject of a directory record; `kind` is one of the kinds of [`crate::directory::Key`].
#[must_use]
pub fn directory(kind: &str, id: &str) -> String {
    format!("andon.v1.directory.{kind}.{id}")
}

/// The subject of a partition's last-seen table.
#[must_use]
pub fn seen(partition: Partition) -> String {
    format!("andon.v1.seen.{partition}")
}

/// Commands to a node.
#[must_use]
pub fn command(node_id: &str) -> String {
    format!("andon.v1.cmd.{node_id}")
}

/// Heartbeats to a node, and its own echo.
#[must_use]
pub fn heartbeat(node_id: &str) -> String {
    format!("andon.v1.heartbeat.{node_id}")
}

/// Liveness of a node.
#[must_use]
pub fn node(node_id: &str) -> String {
    format!("andon.v1.node.{node_id}")
}

/// A subject of the log, read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSubject {
    /// The chain of a worker.
    Session(Partition, WorkerId),
    /// The claim of a partition.
    Claim(Partition),
}

impl LogSubject {
    /// Reads a subject of the log; `None` when it is not one, or names another partition than the worker's.
    #[must_use]
    pub fn parse(subject: &str) -> Option<Self> {
        let rest = subject.strip_prefix("andon.v1.")?;
        if let Some(partition) = rest.strip_prefix("claim.") {
            return partition.parse().ok().map(Self::Claim);
        }
        let (partition, worker) = rest.strip_prefix("session.")?.split_once('.')?;
        let (partition, worker) = (partition.parse().ok()?, worker.parse().ok()?);
        (session(worker) == subject && Partition::of(worker) == partition).then_some(Self::Session(partition, worker))
    }
}

/// Whether `text` may be a node id: one subject token of visible ASCII, as every node subject is made of it.
#[must_use]
pub fn is_node_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_subject_reads_back_as_what_it_was_made_of() {
        let worker: WorkerId = "0190a5c0-0000-7000-8000-000000000001".parse().unwrap();
        let subject = session(worker);
        assert_eq!(LogSubject::parse(&subject), Some(LogSubject::Session(Partition::of(worker), worker)));
        assert_eq!(LogSubject::parse("andon.v1.claim.007"), Some(LogSubject::Claim(Partition::new(7))));
    }

    #[test]
    fn addresses_are_what_the_functions_fill_in() {
        let worker: WorkerId = "0190a5c0-0000-7000-8000-000000000001".parse().unwrap();
        let partition = Partition::of(worker);
        let filled = |address: &str| {
            address
                .replace("{partition}", &partition.to_string())
                .replace("{worker_id}", &worker.to_string())
                .replace("{node_id}", "node")
                .replace("{kind}", "station")
                .replace("{id}", "7")
        };
        assert_eq!(filled(address::SESSION), session(worker));
        assert_eq!(filled(address::CLAIM), claim(partition));
        assert_eq!(filled(address::DIRECTORY), directory("station", "7"));
        assert_eq!(filled(address::SEEN), seen(partition));
        assert_eq!(filled(address::COMMAND), command("node"));
        assert_eq!(filled(address::HEARTBEAT), heartbeat("node"));
        assert_eq!(filled(address::NODE), node("node"));
    }

    #[test]
    fn what_is_not_exactly_a_log_subject_is_none() {
        let worker: WorkerId = "0190a5c0-0000-7000-8000-000000000001".parse().unwrap();
        let elsewhere = Partition::new((Partition::of(worker).index() as u8).wrapping_add(1));
        for subject in [
            "andon.v1.claim.7".to_owned(),
            "andon.v2.claim.007".to_owned(),
            format!("andon.v1.session.{elsewhere}.{worker}"),
            format!("andon.v1.session.{}.{}", Partition::of(worker), worker.to_string().to_uppercase()),
            format!("{}.x", session(worker)),
        ] {
            assert_eq!(LogSubject::parse(&subject), None, "{subject}");
        }
    }
}
