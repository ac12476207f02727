//! Abandon: the worker gives a session up, or a client says that its grace window has passed.

use bus_schemas::{Refusal, RefusalCode, SessionId, TimeUs, command::AbandonReason, limits::EXPIRED_EARLY_MAX};

use super::{
    Context, Decision,
    case::{Case, Named, nothing},
    close::{self, Ending},
};

/// Closes a session that the worker declines to go on with, before its start gate too; a closed one stays as it is.
pub(super) fn decide(case: &Case, id: SessionId, reason: AbandonReason) -> Result<Decision, Refusal> {
    let state = match case.named(id)? {
        Named::Closed(session) => return Ok(nothing(session)),
        Named::Active(state) => state,
    };
    let ending = match reason {
        AbandonReason::WorkerChoice => Ending::WorkerChoice,
        AbandonReason::Expired => match silence(case.context)? {
            Silence::Over => Ending::GraceExpired,
            Silence::Until(until_us) => return Ok(Decision::Wait { until_us }),
        },
    };
    Ok(close::decide(&case.act(), state, ending))
}

/// Whether the time in which the worker may come back has passed.
enum Silence {
    Over,
    Until(TimeUs),
}

/// Only the owner knows, and only while it could hear: an owner without a deadline says that the session lives.
fn silence(context: &Context) -> Result<Silence, Refusal> {
    let live = |grace_expires_at_us| Refusal {
        grace_expires_at_us,
        ..Refusal::new(RefusalCode::SessionStillLive, "the session is not silent for long enough")
    };
    match context.deadline {
        None => Err(live(None)),
        Some(deadline) if context.now >= deadline => Ok(Silence::Over),
        Some(deadline) if deadline.since(context.now) <= EXPIRED_EARLY_MAX => Ok(Silence::Until(deadline)),
        Some(deadline) => Err(live(Some(deadline))),
    }
}
