//! One command in front of one state: which session it names, and the refusals that all commands share.

use bus_schemas::{
    Actor, Command, CommandBody, Done, Effect, Interval, Refusal, RefusalCode, Session, SessionId, WorkerState,
    text::TextError,
};

use super::{Context, Decision, act::Act};

/// A command, the state it meets, and what the owner knows besides.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) state: Option<&'a WorkerState>,
    pub(super) command: &'a Command,
    pub(super) context: &'a Context<'a>,
}

/// The session a command names.
pub(super) enum Named<'a> {
    /// It is the worker's active one.
    Active(&'a WorkerState),
    /// It is the worker's last or last but one, and closed.
    Closed(&'a Session),
}

impl<'a> Case<'a> {
    /// The deed, should the command be accepted.
    pub(super) fn act(&self) -> Act {
        Act::of_command(self.command, self.state, self.context.now)
    }

    /// The session with this id, if it is one of the two that the state holds.
    ///
    /// # Errors
    /// `NOT_FOUND`: it is somebody else's, was never opened, or is too old; those come from history.
    pub(super) fn named(&self, id: SessionId) -> Result<Named<'a>, Refusal> {
        let not_found = || Refusal::new(RefusalCode::NotFound, "the worker has no such session");
        let state = self.state.ok_or_else(not_found)?;
        if state.session.id == id {
            return Ok(if state.session.is_active() { Named::Active(state) } else { Named::Closed(&state.session) });
        }
        state.previous.as_deref().filter(|previous| previous.id == id).map(Named::Closed).ok_or_else(not_found)
    }

    /// The state whose active session has this id.
    ///
    /// # Errors
    /// `NOT_FOUND`; `SESSION_CLOSED`, with the session.
    pub(super) fn active(&self, id: SessionId) -> Result<&'a WorkerState, Refusal> {
        match self.named(id)? {
            Named::Active(state) => Ok(state),
            Named::Closed(session) => Err(closed(session)),
        }
    }

    /// A gateway must not let one worker act for another, nor a worker as a supervisor; should one do so, no event
    /// comes of it.
    ///
    /// # Errors
    /// `INVALID_PAYLOAD`.
    pub(super) fn check_sender(&self) -> Result<(), Refusal> {
        let supervisor_only = matches!(self.command.body, CommandBody::AdminClose { .. });
        let may = match &self.command.actor {
            Actor::Worker(worker) => *worker == self.command.worker_id && !supervisor_only,
            Actor::Admin(_) => true,
            Actor::System => false,
        };
        let own_chain = self.state.is_none_or(|state| state.session.worker_id == self.command.worker_id);
        if may && own_chain { Ok(()) } else { Err(invalid("this sender cannot send this command for this worker")) }
    }
}

/// The interval that runs in a started session.
///
/// # Errors
/// `START_CHECKLIST_REQUIRED`: work has not begun.
pub(super) fn running(session: &Session) -> Result<&Interval, Refusal> {
    session.open.as_ref().filter(|_| session.is_started()).ok_or_else(|| {
        Refusal::new(RefusalCode::StartChecklistRequired, "the start checklist has to be submitted first")
    })
}

/// What was asked for is so: no event.
pub(super) fn nothing(session: &Session) -> Decision {
    Decision::Nothing(already(Some(session)))
}

/// The answer when what was asked for is so. Whoever sends it fills in the sequence.
pub(super) fn already(session: Option<&Session>) -> Done {
    Done { effect: Effect::Nothing, session: session.cloned(), interval: None, seq: 0, grace_expires_at_us: None }
}

/// Closed is final.
fn closed(session: &Session) -> Refusal {
    Refusal {
        session: Some(session.clone()),
        ..Refusal::new(RefusalCode::SessionClosed, "the session is closed and cannot change any more")
    }
}

/// The command is not well formed.
pub(super) fn invalid(message: impl Into<Box<str>>) -> Refusal {
    Refusal::new(RefusalCode::InvalidPayload, message)
}

/// A text in the command is not allowed.
pub(super) fn bad_text(field: &str) -> impl Fn(TextError) -> Refusal {
    move |error| invalid(format!("{field}: {error}"))
}
