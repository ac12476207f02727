//! How a session closes: one way for every cause.

use bus_schemas::{CloseCause, EventKind, Interval, SessionEvent, StatusCode, TimeUs, WorkerState};

use super::{Decision, act::Act};

/// Why a session closes. The cause is for machines, the note for people.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// The worker finished.
    Completed,
    /// Nobody was there any more.
    Idle {
        /// The last sign of life.
        last_seen: TimeUs,
    },
    /// The worker gave it up.
    WorkerChoice,
    /// The grace window passed.
    GraceExpired,
    /// The worker opened another.
    Replaced,
    /// A supervisor closed it.
    Admin,
}

impl Ending {
    const fn cause(self) -> CloseCause {
        match self {
            Self::Completed => CloseCause::Completed,
            Self::Idle { .. } => CloseCause::Idle,
            Self::WorkerChoice | Self::GraceExpired => CloseCause::Abandoned,
            Self::Replaced => CloseCause::Replaced,
            Self::Admin => CloseCause::Admin,
        }
    }

    /// The note on the appended `stopped`; none is appended when the worker finished.
    const fn note(self) -> Option<&'static str> {
        match self {
            Self::Completed => None,
            Self::Idle { .. } => Some("auto-abandon"),
            Self::WorkerChoice => Some("worker-abandon"),
            Self::GraceExpired => Some(super::GRACE_EXPIRED_NOTE),
            Self::Replaced => Some("replaced-by-new-session"),
            Self::Admin => Some("admin-close"),
        }
    }
}

/// Closes the active session of `before`, as the whole of what the act does.
pub(super) fn decide(act: &Act, before: &WorkerState, ending: Ending) -> Decision {
    let (kind, state, ended) = close(act, before, ending);
    Decision::Publish(vec![act.accept(0, kind, state, ended)])
}

/// The first half of a replace. The command id is remembered by the second (protocol rule 4).
pub(super) fn replaced(act: &Act, before: &WorkerState) -> SessionEvent {
    let (kind, state, ended) = close(act, before, Ending::Replaced);
    act.event(0, kind, state, ended)
}

fn close(act: &Act, before: &WorkerState, ending: Ending) -> (EventKind, WorkerState, Vec<Interval>) {
    let mut state = act.step(before);
    let session = &mut state.session;
    let proven_until = proven_until(act, before, ending);
    let appended = ending.note().map(|note| appended(act, proven_until, note));

    session.status = ending.cause().status_after();
    session.closed_cause = Some(ending.cause());
    session.ended_at_us = Some(act.at);
    session.effective_end_at_us = Some(proven_until);
    session.forced_closed_at_us = appended.is_some().then_some(act.at);
    session.last_working_status = session.current_status.replace(StatusCode::stopped());
    session.last_status_change_at_us = Some(proven_until);
    let running = session.open.take().map(|open| Interval { ended_at_us: Some(proven_until), ..open });

    let kind = EventKind::Closed { cause: ending.cause(), note: ending.note().map(Into::into) };
    (kind, state, running.into_iter().chain(appended).collect())
}

/// Until when somebody was there: an idle close keeps proven and unproven time apart, the others have only the former.
/// Never before the running interval began, never after the closing, so that intervals adjoin.
fn proven_until(act: &Act, before: &WorkerState, ending: Ending) -> TimeUs {
    let Ending::Idle { last_seen } = ending else { return act.at };
    let session = &before.session;
    let earliest = session.open.as_ref().map_or(session.opened_at_us, |open| open.started_at_us);
    last_seen.max(session.last_proof_at_us).max(earliest).min(act.at)
}

/// The `stopped` that says in the timeline how the session closed: of zero length unless unproven time lies before
/// the closing. It never touches the note of the interval before.
fn appended(act: &Act, from: TimeUs, note: &str) -> Interval {
    Interval {
        started_at_us: from,
        ended_at_us: Some(act.at),
        note: Some(note.into()),
        ..act.interval(1, StatusCode::stopped())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bus_schemas::{Actor, CommandBody, SessionStatus, command::AbandonReason};

    use super::*;
    use crate::session::{Ask, fixture::*};

    /// Closes by this cause, and gives the closing event.
    fn close_by(floor: &mut Floor, cause: CloseCause, reason: AbandonReason) -> SessionEvent {
        let session_id = floor.session().id;
        floor.deadline = Some(floor.now);
        let body = match cause {
            CloseCause::Completed => CommandBody::Complete { session_id },
            CloseCause::Abandoned => CommandBody::Abandon { session_id, reason },
            CloseCause::Replaced => open(BENCH, "4712"),
            CloseCause::Admin => CommandBody::AdminClose { session_id },
            CloseCause::Idle => CommandBody::Look,
        };
        let mut command = floor.command(body);
        if cause == CloseCause::Admin {
            command.actor = Actor::Admin("noa".into());
        }
        let last_seen_us = floor.now.before(Duration::from_secs(30));
        let ask = if cause == CloseCause::Idle { Ask::Idle { last_seen_us } } else { Ask::Command(&command) };
        floor.ask(&ask).unwrap();
        let closes = |event: &&SessionEvent| matches!(event.kind, EventKind::Closed { .. });
        floor.events.iter().rfind(closes).unwrap().clone()
    }

    #[test]
    fn every_cause_leaves_what_the_table_says() {
        use AbandonReason::{Expired, WorkerChoice};
        use SessionStatus::{Aborted, Completed};
        for (cause, reason, status_after, note) in [
            (CloseCause::Completed, WorkerChoice, Completed, None),
            (CloseCause::Idle, WorkerChoice, Completed, Some("auto-abandon")),
            (CloseCause::Abandoned, WorkerChoice, Aborted, Some("worker-abandon")),
            (CloseCause::Abandoned, Expired, Aborted, Some("grace-window-expired")),
            (CloseCause::Replaced, WorkerChoice, Aborted, Some("replaced-by-new-session")),
            (CloseCause::Admin, WorkerChoice, Completed, Some("admin-close")),
        ] {
            let (mut floor, id) = Floor::working();
            floor.stored(status(id, "production"));
            floor.stored(end(id));
            floor.wait(Duration::from_secs(60));
            let event = close_by(&mut floor, cause, reason);
            let session = &event.state.session;
            assert_eq!(event.kind, EventKind::Closed { cause, note: note.map(Into::into) });
            assert_eq!((session.status, session.closed_cause), (status_after, Some(cause)), "{cause:?}");
            assert_eq!(session.ended_at_us, Some(floor.now));
            assert_eq!(session.forced_closed_at_us, note.map(|_| floor.now), "{cause:?}");
            assert_eq!(session.current_status, Some(StatusCode::stopped()));
            assert_eq!(session.last_working_status, Some(code("production")));
            assert_eq!(session.open, None);
            // Every cause but `completed` appends a `stopped` with the note; the note before is never touched.
            assert_eq!(event.ended.len(), 1 + usize::from(note.is_some()), "{cause:?}");
            assert_eq!((&event.ended[0].status, event.ended[0].note.as_deref()), (&code("production"), None));
            if let Some(appended) = event.ended.get(1) {
                assert_eq!((appended.note.as_deref(), appended.ended_at_us), (note, Some(floor.now)));
                let zero = appended.started_at_us == floor.now;
                assert_eq!(zero, cause != CloseCause::Idle, "{cause:?}");
            }
            let effective =
                if cause == CloseCause::Idle { floor.now.before(Duration::from_secs(30)) } else { floor.now };
            assert_eq!(session.effective_end_at_us, Some(effective), "{cause:?}");
        }
    }

    #[test]
    fn a_session_that_never_started_keeps_no_working_status() {
        let (mut floor, _) = Floor::pending();
        let event = close_by(&mut floor, CloseCause::Admin, AbandonReason::WorkerChoice);
        let session = &event.state.session;
        assert_eq!((&session.last_working_status, &session.current_status), (&None, &Some(StatusCode::stopped())));
        assert_eq!((event.ended.len(), session.started_at_us), (1, session.opened_at_us));
    }

    /// Fault 33: the clock runs back before a close.
    #[test]
    fn a_close_after_the_clock_ran_back_ends_no_earlier_than_it_began() {
        for cause in [CloseCause::Idle, CloseCause::Admin, CloseCause::Replaced] {
            let (mut floor, _) = Floor::working();
            let last = floor.session().updated_at_us;
            floor.now = last.before(Duration::from_secs(86_400));
            let event = close_by(&mut floor, cause, AbandonReason::WorkerChoice);
            assert_eq!(event.state.session.ended_at_us, Some(last), "{cause:?}");
            assert_eq!(event.state.session.effective_end_at_us, Some(last), "{cause:?}");
        }
    }
}
