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
