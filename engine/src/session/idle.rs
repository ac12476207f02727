//! Idle: nobody has shown signs of life for too long. When that is so, is the owner's to say (protocol rules 11 to 14).

use bus_schemas::{CommandId, Refusal, RefusalCode, TimeUs, WorkerState};

use super::{
    Context, Decision,
    act::Act,
    case::nothing,
    close::{self, Ending},
};

/// Closes the active session, keeping proven and unproven time apart; a closed one stays as it is.
pub(super) fn decide(state: Option<&WorkerState>, last_seen: TimeUs, context: &Context) -> Result<Decision, Refusal> {
    let state = state.ok_or_else(|| Refusal::new(RefusalCode::NotFound, "the worker has no session"))?;
    if !state.session.is_active() {
        return Ok(nothing(&state.session));
    }
    let id = CommandId::idle(state.session.id, state.session.version);
    Ok(close::decide(&Act::of_owner(id, state, context.now), state, Ending::Idle { last_seen }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bus_schemas::{Actor, Effect, StatusCode};

    use super::*;
    use crate::session::{Ask, fixture::*};

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn proven_and_unproven_time_are_kept_apart() {
        // Given a producing worker last seen one minute after the change,
        let (mut floor, id) = Floor::working();
        floor.stored(status(id, "production"));
        let changed = floor.now;
        let last_seen_us = changed.after(MINUTE);
        let version = floor.session().version;
        // when the session closes five minutes later,
        floor.now = last_seen_us.after(5 * MINUTE);
        floor.ask(&Ask::Idle { last_seen_us }).unwrap();
        // then production ends where the worker was last seen, and the rest is a stop with a note.
        let event = floor.events.last().unwrap();
        let [production, stopped] = &event.ended[..] else { panic!("{:?}", event.ended) };
        assert_eq!((&production.status, production.started_at_us), (&code("production"), changed));
        assert_eq!((production.ended_at_us, production.note.as_deref()), (Some(last_seen_us), None));
        assert_eq!((&stopped.status, stopped.started_at_us), (&StatusCode::stopped(), last_seen_us));
        assert_eq!((stopped.ended_at_us, stopped.note.as_deref()), (Some(floor.now), Some("auto-abandon")));
        let session = floor.session();
        assert_eq!((session.ended_at_us, session.forced_closed_at_us), (Some(floor.now), Some(floor.now)));
        assert_eq!(session.effective_end_at_us, Some(last_seen_us));
        assert_eq!((event.command_id.clone(), event.actor.clone()), (CommandId::idle(id, version), Actor::System));
    }

    #[test]
    fn a_last_sign_of_life_outside_the_running_interval_is_moved_into_it() {
        let (mut floor, id) = Floor::working();
        let working = floor.state.clone();
        let started = floor.session().open.as_ref().unwrap().started_at_us;
        let proof = floor.session().last_proof_at_us;
        for (last_seen_us, expected) in [
            (TimeUs::from_micros(0), proof.max(started)),
            (TimeUs::from_micros(i64::MIN), proof.max(started)),
            (floor.now.after(MINUTE), floor.now),
            (TimeUs::from_micros(i64::MAX), floor.now),
        ] {
            floor.state.clone_from(&working);
            floor.ask(&Ask::Idle { last_seen_us }).unwrap();
            assert_eq!(floor.session().effective_end_at_us, Some(expected), "{last_seen_us:?}");
            assert_eq!(floor.session().id, id);
        }
    }

    #[test]
    fn a_session_before_its_start_gate_has_the_appended_interval_only() {
        let (mut floor, _) = Floor::pending();
        let last_seen_us = START.after(MINUTE / 2);
        floor.ask(&Ask::Idle { last_seen_us }).unwrap();
        let ended = &floor.events.last().unwrap().ended;
        assert_eq!(ended.len(), 1);
        assert_eq!((ended[0].started_at_us, ended[0].ended_at_us), (last_seen_us, Some(floor.now)));
        assert_eq!((&floor.session().last_working_status, floor.session().open.is_none()), (&None, true));
    }

    #[test]
    fn an_idle_close_neither_enters_the_ring_nor_is_looked_up_in_it() {
        let (mut floor, id) = Floor::working();
        // Given a client that took the very id the idle close will have,
        let idle = CommandId::idle(id, floor.session().version + 1);
        let mut command = floor.command(status(id, "production"));
        command.id = idle.clone();
        floor.ask(&Ask::Command(&command)).unwrap();
        let ring = floor.state.as_ref().unwrap().ring.clone();
        // when the session falls idle,
        floor.wait(MINUTE);
        floor.ask(&Ask::Idle { last_seen_us: floor.now }).unwrap();
        // then it closes all the same.
        assert!(!floor.session().is_active());
        assert_eq!(floor.events.last().unwrap().command_id, idle);
        assert_eq!(floor.state.as_ref().unwrap().ring, ring);
    }

    #[test]
    fn nothing_closes_twice() {
        let (mut floor, _) = Floor::completed();
        let Ok(Decision::Nothing(done)) = floor.ask(&Ask::Idle { last_seen_us: START }) else { panic!() };
        assert_eq!((done.effect, done.session.as_ref()), (Effect::Nothing, Some(floor.session())));
        let refusal = Floor::new().ask(&Ask::Idle { last_seen_us: START }).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::NotFound);
    }
}
