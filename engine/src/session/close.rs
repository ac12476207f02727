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
