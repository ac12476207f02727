//! Who may make which event, under which command id and with which note; and that it changes something. Spelled out
//! here, so as not to trust what made them.

use bus_schemas::{Actor, CloseCause, CommandId, EventKind, SessionEvent, WorkerState};

use super::{Findings, Place, Rule};

/// Checks an event against the state before it.
pub(super) fn check(before: Option<&WorkerState>, event: &SessionEvent, findings: &mut Findings, place: Place) {
    let wrong = match &event.kind {
        EventKind::Closed { cause, note } => closed(before, event, *cause, note.as_deref()),
        EventKind::Carried => by_the_owner(event, CommandId::carried),
        EventKind::StatusChanged => by_somebody(event).or_else(|| status(before, event)),
        EventKind::QuantitiesReported { good_delta: 0, scrap_delta: 0, .. } => Some("it changes no total"),
        EventKind::Opened { .. } | EventKind::ChecklistCompleted { .. } | EventKind::QuantitiesReported { .. } => {
            by_somebody(event)
        }
    };
    if let Some(what) = wrong {
        findings.add(Rule::Acts, place, what.to_owned());
    }
}

type Wrong = Option<&'static str>;

fn wrong_unless(holds: bool, what: &'static str) -> Wrong {
    (!holds).then_some(what)
}

/// Of a worker or a supervisor.
fn by_somebody(event: &SessionEvent) -> Wrong {
    wrong_unless(event.actor != Actor::System, "the owner alone made what only a person may")
}

/// Of the owner itself, under an id that no client can choose for another event.
fn by_the_owner(event: &SessionEvent, id: fn(bus_schemas::SessionId, u64) -> CommandId) -> Wrong {
    let named = event.command_id == id(event.session_id, event.version.saturating_sub(1));
    wrong_unless(event.actor == Actor::System && named, "a person made what only the owner may")
}

fn closed(before: Option<&WorkerState>, event: &SessionEvent, cause: CloseCause, note: Option<&str>) -> Wrong {
    let note_fits = match cause {
        CloseCause::Completed => note.is_none(),
        CloseCause::Idle => note == Some("auto-abandon"),
        CloseCause::Abandoned => matches!(note, Some("worker-abandon" | "grace-window-expired")),
        CloseCause::Replaced => note == Some("replaced-by-new-session"),
        CloseCause::Admin => note == Some("admin-close"),
    };
    if !note_fits {
        return Some("its note is not that of its cause");
    }
    match cause {
        CloseCause::Idle => by_the_owner(event, CommandId::idle).or_else(|| idle(before, event)),
        CloseCause::Admin => {
            wrong_unless(matches!(event.actor, Actor::Admin(_)), "a supervisor's close is no supervisor's")
        }
        CloseCause::Completed | CloseCause::Abandoned | CloseCause::Replaced => by_somebody(event),
    }
}

/// Proven time reaches at least to the worker's last event.
fn idle(before: Option<&WorkerState>, event: &SessionEvent) -> Wrong {
    let proven = before.map(|before| before.session.last_proof_at_us);
    wrong_unless(event.state.session.effective_end_at_us >= proven, "it ends before the worker's own last event")
}

/// A change to what already is makes no event.
fn status(before: Option<&WorkerState>, event: &SessionEvent) -> Wrong {
    let was = before.and_then(|before| before.session.open.as_ref());
    let (Some(was), Some(is)) = (was, event.state.session.open.as_ref()) else { return None };
    let says_nothing_new = |new: &Option<Box<str>>, old: &Option<Box<str>>| new.is_none() || new == old;
    let same = was.status == is.status
        && was.reason_id == is.reason_id
        && says_nothing_new(&is.note, &was.note)
        && says_nothing_new(&is.image_url, &was.image_url);
    wrong_unless(!same, "it changes the status to what it was")
}
