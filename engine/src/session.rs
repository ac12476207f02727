//! The rules about sessions: what a command makes of a worker's state. Pure: no I/O, no clock, no randomness.

use bus_schemas::{Command, Done, SessionEvent, TimeUs, directory::Directory};

/// What the core is asked: a command from the bus, or one of the owner's own.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    /// A command from the bus.
    Command(&'a Command),
    /// Nobody has shown signs of life for too long (protocol rules 11 to 14): close.
    Idle {
        /// The last sign of life the owner knows of, by its wall clock.
        last_seen_us: TimeUs,
    },
    /// Move the state forward in the log, so that old messages can leave it.
    Carry,
}

/// What an owner knows besides the state; for decisions only.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Workers, stations, jobs' details, reasons, statuses.
    pub directory: &'a Directory,
    /// The owner's wall clock, read once for this command.
    pub now: TimeUs,
    /// When the active session is due for silence (protocol rule 13), by the owner's wall clock; none while the owner
    /// does not know. For `abandon expired` and `look`.
    pub deadline: Option<TimeUs>,
}

/// What to do about an accepted command.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made once a command and taken apart at once: a box would only cost")]
pub enum Decision {
    /// Publish these, as one atomic batch when there are two (protocol rule 4); then answer from the last one.
    Publish(Vec<SessionEvent>),
    /// Nothing to store: answer so, after the leader read of protocol rule 3. Its `seq` is 0: fill in the sequence of
    /// the worker's last message.
    Nothing(Done),
    /// The command id was accepted before, by the event at this sequence: answer from that event, or without it when
    /// it has left the log.
    Repeat {
        /// Stream sequence of that event.
        seq: u64,
    },
    /// It came a little early: ask again at this time.
    Wait {
        /// The deadline, by the owner's wall clock.
        until_us: TimeUs,
    },
}
