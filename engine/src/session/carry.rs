//! Carry: the same state again, so that an active session holds no old message in the log.

use bus_schemas::{CommandId, EventKind, Refusal, RefusalCode, WorkerState};

use super::{Context, Decision, act::Act, case::nothing};

/// Moves an active session forward in the log; a closed one holds nothing back and stays where it is.
pub(super) fn decide(state: Option<&WorkerState>, context: &Context) -> Result<Decision, Refusal> {
    let state = state.ok_or_else(|| Refusal::new(RefusalCode::NotFound, "the worker has no session"))?;
    if !state.session.is_active() {
        return Ok(nothing(&state.session));
    }
    let act = Act::of_owner(CommandId::carried(state.session.id, state.session.version), state, context.now);
    Ok(Decision::Publish(vec![act.accept(0, EventKind::Carried, act.step(state), Vec::new())]))
}

#[cfg(test)]
mod tests {
    use bus_schemas::Actor;

    use super::*;
    use crate::session::{Ask, fixture::*};

    #[test]
    fn carrying_changes_the_version_and_the_time_of_the_last_event_and_nothing_else() {
        for (mut floor, id) in [Floor::pending(), Floor::working()] {
            let mut expected = floor.state.clone().unwrap();
            floor.ask(&Ask::Carry).unwrap();
            let event = floor.events.last().unwrap().clone();
            assert_eq!(event.command_id, CommandId::carried(id, expected.session.version));
            assert_eq!((event.kind, event.actor, event.ended), (EventKind::Carried, Actor::System, vec![]));
            expected.session.version += 1;
            expected.session.updated_at_us = floor.now;
            assert_eq!(floor.state, Some(expected));
        }
    }

    #[test]
    fn a_closed_session_stays_where_it_is() {
        let (mut floor, _) = Floor::completed();
        assert!(matches!(floor.ask(&Ask::Carry), Ok(Decision::Nothing(_))));
        assert_eq!(Floor::new().ask(&Ask::Carry).unwrap_err().code, RefusalCode::NotFound);
    }
}
