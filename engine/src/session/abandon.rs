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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bus_schemas::{CommandBody, EventKind};

    use super::*;
    use crate::session::fixture::*;

    fn abandon(session_id: SessionId, reason: AbandonReason) -> CommandBody {
        CommandBody::Abandon { session_id, reason }
    }

    #[test]
    fn a_session_can_be_given_up_before_and_after_its_start_gate() {
        for (mut floor, id) in [Floor::pending(), Floor::working()] {
            floor.stored(abandon(id, AbandonReason::WorkerChoice));
            assert!(!floor.session().is_active());
            assert_eq!(floor.session().last_proof_at_us, floor.now);
        }
    }

    #[test]
    fn giving_up_a_closed_session_changes_nothing_and_succeeds() {
        let (mut floor, id) = Floor::completed();
        let closed = floor.session().clone();
        for reason in [AbandonReason::WorkerChoice, AbandonReason::Expired] {
            assert_eq!(floor.nothing(abandon(id, reason)).session, Some(closed.clone()));
        }
        floor.open(BENCH);
        assert_eq!(floor.nothing(abandon(id, AbandonReason::WorkerChoice)).session, Some(closed));
        let stranger = abandon(SessionId(uuid::Uuid::from_u128(404)), AbandonReason::Expired);
        assert_eq!(floor.refused(stranger), RefusalCode::NotFound);
    }

    #[test]
    fn expired_closes_from_the_deadline_on_and_is_no_sign_of_life() {
        for late in [0, 1, 3_600_000_000] {
            let (mut floor, id) = Floor::working();
            let seen = floor.session().last_proof_at_us;
            floor.deadline = Some(floor.now);
            floor.wait(Duration::from_micros(late));
            let event = floor.stored(abandon(id, AbandonReason::Expired));
            let note = Some("grace-window-expired".into());
            assert_eq!(event.kind, EventKind::Closed { cause: bus_schemas::CloseCause::Abandoned, note });
            assert_eq!((floor.session().last_proof_at_us, floor.session().ended_at_us), (seen, Some(floor.now)));
        }
    }

    #[test]
    fn expired_a_little_early_waits_and_much_too_early_is_refused() {
        let early = |span| {
            let (mut floor, id) = Floor::working();
            let deadline = floor.now.after(span);
            floor.deadline = Some(deadline);
            (floor, abandon(id, AbandonReason::Expired), deadline)
        };
        for span in [Duration::from_micros(1), EXPIRED_EARLY_MAX] {
            let (mut floor, body, deadline) = early(span);
            assert_eq!(floor.send(body), Ok(Decision::Wait { until_us: deadline }));
        }
        for span in [EXPIRED_EARLY_MAX + Duration::from_micros(1), Duration::from_secs(300)] {
            let (mut floor, body, deadline) = early(span);
            let refusal = floor.refusal(body);
            assert_eq!(refusal.code, RefusalCode::SessionStillLive);
            assert_eq!(refusal.grace_expires_at_us, Some(deadline));
        }
    }

    #[test]
    fn an_owner_that_knows_no_deadline_closes_nobody() {
        let (mut floor, id) = Floor::working();
        floor.wait(Duration::from_secs(100_000));
        let refusal = floor.refusal(abandon(id, AbandonReason::Expired));
        assert_eq!((refusal.code, refusal.grace_expires_at_us), (RefusalCode::SessionStillLive, None));
    }
}
