//! The rules about sessions: what a command makes of a worker's state. Pure: no I/O, no clock, no randomness.
//!
//! [`decide`] turns a state and a question into events to publish or an answer; [`apply()`] gives the state after an
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
#[cfg(test)]
pub(crate) mod fixture;
mod idle;
mod look;
mod open;
#[cfg(test)]
mod property;
mod quantities;
#[cfg(test)]
mod refusals;
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

#[cfg(test)]
mod tests {
    use bus_schemas::{CommandId, Extra, SessionId, WorkerId, limits::RING_CAPACITY};

    use super::{fixture::*, *};

    fn send(floor: &mut Floor, id: &CommandId, body: CommandBody) -> Result<Decision, Refusal> {
        let command = Command { id: id.clone(), ..floor.command(body) };
        floor.ask(&Ask::Command(&command))
    }

    #[test]
    fn a_repeat_is_answered_from_its_event_whatever_has_happened_since() {
        // Given a change that was stored,
        let (mut floor, id) = Floor::working();
        let command = floor.command(status(id, "production"));
        floor.ask(&Ask::Command(&command)).unwrap();
        let seq = floor.seq();
        let answer = answer_from_event(floor.events.last().unwrap(), seq);
        // when the session has been closed, another opened, and the command comes again with other headers,
        floor.open(BENCH);
        let events = floor.events.len();
        let again = Command { expires_at_us: TimeUs::from_micros(9), directory_seq: 77, ..command.clone() };
        // then it is the same event, and the same answer.
        assert_eq!(floor.ask(&Ask::Command(&again)), Ok(Decision::Repeat { seq }));
        assert_eq!(floor.events.len(), events);
        let event = floor.events.iter().find(|event| event.command_id == command.id).unwrap();
        assert_eq!(answer_from_event(event, seq), answer);
    }

    #[test]
    fn a_replace_repeated_is_the_opening() {
        let (mut floor, _) = Floor::working();
        let command = floor.command(open(BENCH, "4712"));
        floor.ask(&Ask::Command(&command)).unwrap();
        assert_eq!(floor.ask(&Ask::Command(&command)), Ok(Decision::Repeat { seq: floor.seq() }));
        let done = answer_from_event(floor.events.last().unwrap(), floor.seq());
        assert_eq!(done.session.as_ref(), Some(floor.session()));
    }

    #[test]
    fn an_id_used_for_another_command_is_refused_before_anything_else() {
        let (mut floor, id) = Floor::working();
        let key: CommandId = "key".parse().unwrap();
        send(&mut floor, &key, status(id, "production")).unwrap();
        let stranger = SessionId(uuid::Uuid::from_u128(404));
        for body in [status(id, "fault"), start(stranger), open(RETIRED, " "), status(id, "nothing_like_it")] {
            assert_eq!(send(&mut floor, &key, body).unwrap_err().code, RefusalCode::IdempotencyKeyReused);
        }
    }

    #[test]
    fn what_was_refused_or_changed_nothing_is_decided_anew() {
        let (mut floor, id) = Floor::pending();
        let key: CommandId = "key".parse().unwrap();
        let refusal = send(&mut floor, &key, status(id, "production")).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::StartChecklistRequired);
        floor.stored(start(id));
        assert!(matches!(send(&mut floor, &key, status(id, "stopped")), Ok(Decision::Nothing(_))));
        assert!(matches!(send(&mut floor, &key, status(id, "production")), Ok(Decision::Publish(_))));
    }

    #[test]
    fn the_last_32_accepted_are_remembered_across_sessions() {
        let (mut floor, id) = Floor::working();
        let key: CommandId = "key".parse().unwrap();
        send(&mut floor, &key, totals(id, Some(1), None)).unwrap();
        for _ in 1..RING_CAPACITY {
            floor.open(BENCH);
        }
        assert!(matches!(send(&mut floor, &key, totals(id, Some(1), None)), Ok(Decision::Repeat { .. })));
        floor.open(BENCH);
        assert_eq!(send(&mut floor, &key, totals(id, Some(1), None)).unwrap_err().code, RefusalCode::NotFound);
    }

    #[test]
    fn only_the_worker_or_a_supervisor_may_send() {
        let other = WorkerId(uuid::Uuid::from_u128(2));
        for (actor, accepted) in [
            (Actor::Worker(WORKER), true),
            (Actor::Admin("noa".into()), true),
            (Actor::Worker(other), false),
            (Actor::System, false),
        ] {
            let (mut floor, id) = Floor::working();
            let command = Command { actor: actor.clone(), ..floor.command(status(id, "production")) };
            let result = floor.ask(&Ask::Command(&command));
            assert_eq!(result.is_ok(), accepted, "{actor:?}: {result:?}");
        }
        let (mut floor, id) = Floor::working();
        let foreign =
            Command { worker_id: other, actor: Actor::Worker(other), ..floor.command(status(id, "production")) };
        assert_eq!(floor.ask(&Ask::Command(&foreign)).unwrap_err().code, RefusalCode::InvalidPayload);
    }

    #[test]
    fn every_command_of_the_worker_but_expired_and_look_is_a_sign_of_life() {
        let (mut floor, session_id) = Floor::working();
        let abandon = |reason| CommandBody::Abandon { session_id, reason };
        for (body, proof) in [
            (open(PRESS, "4711"), true),
            (start(session_id), true),
            (status(session_id, "nothing_like_it"), true),
            (totals(session_id, None, None), true),
            (CommandBody::Complete { session_id }, true),
            (abandon(AbandonReason::WorkerChoice), true),
            (abandon(AbandonReason::Expired), false),
            (CommandBody::Look, false),
        ] {
            let command = floor.command(body);
            assert_eq!(is_proof_of_life(&command), proof, "{command:?}");
            let by_admin = Command { actor: Actor::Admin("noa".into()), ..command };
            assert!(!is_proof_of_life(&by_admin));
        }
    }

    /// A field that a newer version wrote.
    fn newer(what: &str) -> Extra {
        Extra::from([(what.to_owned(), rmpv::Value::from(7))])
    }

    #[test]
    fn fields_of_a_newer_version_survive_every_decision() {
        let marked = || {
            let (mut floor, id) = Floor::working();
            let state = floor.state.as_mut().unwrap();
            state.extra = newer("state");
            state.session.extra = newer("session");
            state.session.names.extra = newer("names");
            state.session.open.as_mut().unwrap().extra = newer("interval");
            (floor, id)
        };
        let (_, session_id) = marked();
        for body in [
            end(session_id),
            status(session_id, "production"),
            totals(session_id, Some(1), None),
            CommandBody::Abandon { session_id, reason: AbandonReason::WorkerChoice },
        ] {
            let (mut floor, _) = marked();
            let event = floor.stored(body);
            assert_eq!(event.state.extra, newer("state"));
            assert_eq!(event.state.session.extra, newer("session"));
            assert_eq!(event.state.session.names.extra, newer("names"));
            let running = event.ended.first().or(event.state.session.open.as_ref()).unwrap();
            assert_eq!(running.extra, newer("interval"), "{:?}", event.kind);
        }
        for ask in [Ask::Carry, Ask::Idle { last_seen_us: START }] {
            let (mut floor, _) = marked();
            floor.ask(&ask).unwrap();
            assert_eq!(floor.session().extra, newer("session"));
        }
        // A replaced session takes its own with it; the new one has none.
        let (mut floor, _) = marked();
        floor.open(BENCH);
        let state = floor.state.as_ref().unwrap();
        assert_eq!((&state.extra, &state.session.extra), (&newer("state"), &Extra::new()));
        assert_eq!(state.previous.as_ref().unwrap().extra, newer("session"));
    }
}
