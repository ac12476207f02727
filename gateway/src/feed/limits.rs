//! Every limit of the feed, with its reason.

use std::time::Duration;

/// Largest frame: what a phone on a bad line takes in a second, and small enough that a viewer's buffers stay small.
pub const FRAME_MAX_BYTES: usize = 64 * 1_024;
/// Room in a frame for everything but its sessions: type, two cursors, counts. 400 bytes are used at most.
pub const ENVELOPE_BYTES: usize = 1_024;
/// Changes kept for viewers that want every one of them: at 2 KB each 2 MB, shared by all. One that is further behind
/// gets a `gap`.
pub const EVERY_MAX: usize = 1_000;
/// Closed sessions remembered for those who come back: at 72 bytes each 15 MB; a week of a plant with 1 000 workers
/// who each close 28 sessions a week is a seventh of it.
pub const TOMBSTONES_MAX: usize = 200_000;
/// A connection sends no two deltas closer than this: what changes meanwhile travels together. The first after a quiet
/// time goes at once.
pub const FLUSH_EVERY: Duration = Duration::from_millis(10);
/// The same for a worker's own session, which hardly ever changes: each of them is woken by everybody's changes, and a
/// push may take a tenth of a second.
pub const WORKER_FLUSH_EVERY: Duration = Duration::from_millis(50);
/// Time between pings, which carry the newest signs of life.
pub const PING_EVERY: Duration = Duration::from_secs(15);
/// A client that has said nothing for two pings and some time on the way is gone.
pub const PONG_WITHIN: Duration = Duration::from_secs(40);
/// A viewer that accepts no byte for this long is closed.
pub const STALL_WITHIN: Duration = Duration::from_secs(15);
/// A cut (a snapshot, or a delta of many parts) that is not taken in this time is given up with its viewer: its states
/// are old, and they are kept for it alone.
pub const CUT_WITHIN: Duration = Duration::from_secs(120);
/// How long before its expiry a client is told that its token ends.
pub const AUTH_NOTICE: Duration = Duration::from_secs(60);
/// Without proof of the log's head for this long, a view is stale: two proofs, made every second, may fail.
pub const STALE_AFTER: Duration = Duration::from_secs(3);
/// A view that is stale for longer sends its viewers away: another gateway may reach the log.
pub const STALE_MAX: Duration = Duration::from_secs(30);
/// How long somebody who connects waits for the view to reach the head of the log.
pub const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// When a client whose connection broke comes back, at the earliest.
pub const RETRY: Duration = Duration::from_secs(2);
/// The time over which a gateway that drains spreads its viewers' return.
pub const DRAIN_WINDOW: Duration = Duration::from_secs(5);
/// Connections to the feed: at 8 KB each 64 MB.
pub const VIEWERS_MAX: usize = 8_192;
/// Largest message from a client: a token of 4 KB, or a filter of 200 stations.
pub const CLIENT_MESSAGE_MAX_BYTES: usize = 16 * 1_024;
/// Stations or statuses in a filter.
pub const FILTER_MAX: usize = 200;
/// Messages a client may send within [`CLIENT_PACE`]: each filter costs a snapshot.
pub const CLIENT_MESSAGES_MAX: u32 = 30;
/// See [`CLIENT_MESSAGES_MAX`].
pub const CLIENT_PACE: Duration = Duration::from_secs(10);
/// The same for a worker's socket: somebody types totals and beats.
pub const WORKER_MESSAGES_MAX: u32 = 200;
/// Commands of one socket that wait for the one before: more than fingers can press.
pub const COMMANDS_MAX: usize = 16;
/// Longest wait of a long-poll, and what is waited when nobody says how long.
pub const POLL_MAX: Duration = Duration::from_secs(60);
/// Longest cursor that is looked at.
pub const CURSOR_MAX_BYTES: usize = 128;
/// Events on a page of the backfill.
pub const BACKFILL_MAX: u64 = 1_000;
