//! Look: the worker's session and its deadline. Looking a session up never changes it.

use bus_schemas::{Done, Session};

use super::{
    Decision,
    case::{Case, already},
};

/// The worker's active or latest session as it is; the deadline only while it is active.
pub(super) fn decide(case: &Case) -> Decision {
    let session = case.state.map(|state| &state.session);
    let grace_expires_at_us = case.context.deadline.filter(|_| session.is_some_and(Session::is_active));
    Decision::Nothing(Done { grace_expires_at_us, ..already(session) })
}

#[cfg(test)]
mod tests {
    use bus_schemas::{CommandBody, Effect};

    use super::*;
    use crate::session::{Ask, fixture::*};

    #[test]
    fn a_look_answers_the_session_and_its_deadline() {
        let (mut floor, _) = Floor::working();
        floor.deadline = Some(floor.now);
        let done = floor.nothing(CommandBody::Look);
        assert_eq!((done.effect, done.session.as_ref()), (Effect::Nothing, Some(floor.session())));
        assert_eq!(done.grace_expires_at_us, Some(floor.now));
    }

    #[test]
    fn a_closed_session_has_no_deadline_and_no_session_is_none() {
        let (mut floor, _) = Floor::completed();
        floor.deadline = Some(floor.now);
        let done = floor.nothing(CommandBody::Look);
        assert_eq!((done.session.as_ref(), done.grace_expires_at_us), (Some(floor.session()), None));
        let done = Floor::new().nothing(CommandBody::Look);
        assert_eq!((done.session, done.grace_expires_at_us), (None, None));
    }

    #[test]
    fn a_look_under_a_used_id_still_looks() {
        let (mut floor, id) = Floor::working();
        let mut command = floor.command(status(id, "production"));
        floor.ask(&Ask::Command(&command)).unwrap();
        command.body = CommandBody::Look;
        assert!(matches!(floor.ask(&Ask::Command(&command)), Ok(Decision::Nothing(_))));
    }
}
