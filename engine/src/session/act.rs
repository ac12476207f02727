//! One accepted deed: who does it, under which command id, when; and the events it makes.

use bus_schemas::{
    Actor, Command, CommandId, EventId, EventKind, Extra, Interval, SessionEvent, SessionId, StatusCode, TimeUs,
    WorkerId, WorkerState,
};

use super::is_proof_of_life;

/// What all events of one command have in common.
#[derive(Debug)]
pub(super) struct Act {
    worker: WorkerId,
    id: CommandId,
    actor: Actor,
    /// The one time of everything it does: the owner's clock, never earlier than the worker's last event.
    pub(super) at: TimeUs,
    /// When the person pressed, by the client's clock.
    pub(super) reported_at: Option<TimeUs>,
    proof_of_life: bool,
    /// What the ring remembers of the body; none for the owner's own deeds, which are never looked up in it.
    body_hash: Option<u64>,
}

impl Act {
    /// A command from the bus.
    pub(super) fn of_command(command: &Command, state: Option<&WorkerState>, now: TimeUs) -> Self {
        Self {
            worker: command.worker_id,
            id: command.id.clone(),
            actor: command.actor.clone(),
            at: not_before(state, now),
            reported_at: command.reported_at_us,
            proof_of_life: is_proof_of_life(command),
            body_hash: Some(command.body_hash()),
        }
    }

    /// The owner's own deed.
    pub(super) fn of_owner(id: CommandId, state: &WorkerState, now: TimeUs) -> Self {
        Self {
            worker: state.session.worker_id,
            id,
            actor: Actor::System,
            at: not_before(Some(state), now),
            reported_at: None,
            proof_of_life: false,
            body_hash: None,
        }
    }

    /// The id of the `ordinal`-th thing it makes.
    pub(super) fn event_id(&self, ordinal: u8) -> EventId {
        EventId::derive(self.worker, &self.id, self.at, ordinal)
    }

    /// The id of the session it opens.
    pub(super) fn session_id(&self) -> SessionId {
        SessionId::derive(self.worker, &self.id, self.at)
    }

    /// The state one event later, before anything else changes.
    pub(super) fn step(&self, before: &WorkerState) -> WorkerState {
        let mut after = before.clone();
        // Only a damaged log reaches the end of the numbers; the compare-and-set chain holds even then.
        after.session.version = before.session.version.saturating_add(1);
        after.session.updated_at_us = self.at;
        if self.proof_of_life {
            after.session.last_proof_at_us = self.at;
        }
        after
    }

    /// The event that carries `state`, as the `ordinal`-th thing it makes.
    pub(super) fn event(&self, ordinal: u8, kind: EventKind, state: WorkerState, ended: Vec<Interval>) -> SessionEvent {
        SessionEvent {
            event_id: self.event_id(ordinal),
            session_id: state.session.id,
            version: state.session.version,
            command_id: self.id.clone(),
            kind,
            at_us: self.at,
            actor: self.actor.clone(),
            state,
            ended,
            extra: Extra::new(),
        }
    }

    /// The event by which the command is accepted: its state remembers the command id.
    pub(super) fn accept(
        &self,
        ordinal: u8,
        kind: EventKind,
        mut state: WorkerState,
        ended: Vec<Interval>,
    ) -> SessionEvent {
        if let Some(body_hash) = self.body_hash {
            state.ring.push(&self.id, body_hash);
        }
        self.event(ordinal, kind, state, ended)
    }

    /// A new running interval that begins with the `ordinal`-th event.
    pub(super) fn interval(&self, ordinal: u8, status: StatusCode) -> Interval {
        Interval {
            id: self.event_id(ordinal),
            status,
            reason_id: None,
            note: None,
            image_url: None,
            started_at_us: self.at,
            ended_at_us: None,
            reported_at_us: self.reported_at,
            extra: Extra::new(),
        }
    }
}

/// The reading of the clock, or the worker's last event when the clock ran back.
fn not_before(state: Option<&WorkerState>, now: TimeUs) -> TimeUs {
    state.map_or(now, |state| now.max(state.session.updated_at_us))
}
