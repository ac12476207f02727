//! Admin close: a supervisor closes a session, before its start gate too.

use bus_schemas::{Refusal, SessionId};

use super::{
    Decision,
    case::Case,
    close::{self, Ending},
};

/// Closes an active session; a closed one is refused, so that "closed: n" counts what was closed here.
pub(super) fn decide(case: &Case, id: SessionId) -> Result<Decision, Refusal> {
    let state = case.active(id)?;
    Ok(close::decide(&case.act(), state, Ending::Admin))
}

#[cfg(test)]
mod tests {
    use bus_schemas::{Actor, CommandBody, RefusalCode};

    use super::*;
    use crate::session::{Ask, fixture::*};

    fn by_supervisor(floor: &mut Floor, session_id: SessionId) -> Result<Decision, Refusal> {
        let mut command = floor.command(CommandBody::AdminClose { session_id });
        command.actor = Actor::Admin("noa".into());
        floor.ask(&Ask::Command(&command))
    }

    #[test]
    fn a_supervisor_closes_a_session_and_that_is_no_sign_of_life() {
        for (mut floor, id) in [Floor::pending(), Floor::working()] {
            let seen = floor.session().last_proof_at_us;
            by_supervisor(&mut floor, id).unwrap();
            assert!(!floor.session().is_active());
            assert_eq!(floor.session().last_proof_at_us, seen);
            assert_eq!(floor.events.last().unwrap().actor, Actor::Admin("noa".into()));
        }
    }

    #[test]
    fn a_closed_session_is_not_closed_again() {
        let (mut floor, id) = Floor::completed();
        let refusal = by_supervisor(&mut floor, id).unwrap_err();
        assert_eq!((refusal.code, refusal.session.as_ref()), (RefusalCode::SessionClosed, Some(floor.session())));
        let stranger = SessionId(uuid::Uuid::from_u128(404));
        assert_eq!(by_supervisor(&mut floor, stranger).unwrap_err().code, RefusalCode::NotFound);
    }

    #[test]
    fn a_worker_cannot_close_as_a_supervisor() {
        let (mut floor, id) = Floor::working();
        assert_eq!(floor.refused(CommandBody::AdminClose { session_id: id }), RefusalCode::InvalidPayload);
    }
}
