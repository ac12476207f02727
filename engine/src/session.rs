//! The rules about sessions: what a command makes of a worker's state. Pure: no I/O, no clock, no randomness.
//!
//! [`decide`] turns a state and a question into events to publish or an answer; [`apply`] gives the state after an
//! event; [`fold_check`] says whether an event fits the state before it. One command a file. A refusal is a value: it
//! says why nothing was stored, and is no fault.
//!
//! What holds for every command:
//! - Time is one reading of the owner's clock, never earlier than the worker's last event.
//! - A command id that was accepted before is answered before anything else is looked at; with another body it is
//!   refused. The owner's own deeds (idle close, carry) neither enter the ring nor are looked up in it.
//! - A command names a session by its id: the state holds the worker's latest and the one before. Any other is
//!   `NOT_FOUND`. A closed one is final: `complete`, `abandon` and the end checklist have reached their aim and succeed
//!   with it as it is, everything else (a supervisor's close too) is refused with it.
//! - Nothing that counts as work is accepted before the start gate: status, quantities, end checklist, complete.
//! - Fields of a newer version are kept in everything that goes on: the state, the session, the running interval.

#![expect(
    clippy::result_large_err,
    reason = "a refusal is an answer like any other, moved once; a box is an allocation"
)]

use bus_schemas::{
    Actor, Command, CommandBody, Done, Refusal, RefusalCode, SessionEvent, TimeUs, WorkerState, command::AbandonReason,
    directory::Directory,
};

mod abandon;
mod act;
mod admin_close;
mod answer;
mod apply;
mod carry;
mod case;
mod check;
mod checklist;
mod close;
mod complete;
mod idle;
mod look;
mod open;
mod quantities;
mod status;

pub use answer::{answer_from_event, answer_without_event};
pub use apply::apply;
pub use check::{Broken, fold_check};

use case::Case;

/// The note on a close that a client asked for because the grace window had passed: no sign of life.
const GRACE_EXPIRED_NOTE: &str = "grace-window-expired";

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

/// What to do about `ask`. `state` is the worker's, its ring resolved; none when the worker has no chain yet.
///
/// # Errors
/// The rules say no: nothing must be stored. Final only after the leader read of protocol rule 3.
pub fn decide(state: Option<&WorkerState>, ask: &Ask, context: &Context) -> Result<Decision, Refusal> {
    match *ask {
        Ask::Command(command) => decide_command(&Case { state, command, context }),
        Ask::Idle { last_seen_us } => idle::decide(state, last_seen_us, context),
        Ask::Carry => carry::decide(state, context),
    }
}

fn decide_command(case: &Case) -> Result<Decision, Refusal> {
    if matches!(case.command.body, CommandBody::Look) {
        return Ok(look::decide(case));
    }
    if let Some(accepted) = case.state.and_then(|state| state.ring.get(&case.command.id)) {
        return if accepted.body_hash == case.command.body_hash() {
            Ok(Decision::Repeat { seq: accepted.seq })
        } else {
            Err(Refusal::new(RefusalCode::IdempotencyKeyReused, "the command id was used for another command"))
        };
    }
    case.check_sender()?;
    match &case.command.body {
        CommandBody::Open { station_id, job_number } => open::decide(case, *station_id, job_number),
        CommandBody::Checklist { session_id, station_id, list, answers } => checklist::decide(
            case,
            &checklist::Submission { session_id: *session_id, station_id: *station_id, list: *list, answers },
        ),
        CommandBody::Status { session_id, status, reason_id, note, image_url } => status::decide(
            case,
            &status::Change {
                session_id: *session_id,
                status,
                reason_id: *reason_id,
                note: note.as_deref(),
                image_url: image_url.as_deref(),
            },
        ),
        CommandBody::Quantities { session_id, report } => quantities::decide(case, *session_id, report),
        CommandBody::Complete { session_id } => complete::decide(case, *session_id),
        CommandBody::Abandon { session_id, reason } => abandon::decide(case, *session_id, *reason),
        CommandBody::AdminClose { session_id } => admin_close::decide(case, *session_id),
        CommandBody::Look => Ok(look::decide(case)),
    }
}

/// Whether the command shows that the worker is there, accepted or refused: every command of the session's own worker,
/// except an `abandon` because the grace window passed (the client says that nobody was there) and looking.
#[must_use]
pub fn is_proof_of_life(command: &Command) -> bool {
    let own = matches!(command.actor, Actor::Worker(worker) if worker == command.worker_id);
    let silent =
        matches!(command.body, CommandBody::Look | CommandBody::Abandon { reason: AbandonReason::Expired, .. });
    own && !silent
}
