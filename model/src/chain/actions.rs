//! What may happen next, and what becomes of it.

use super::{
    Chain,
    state::{Place, State},
};

/// One step of somebody. Numbers are places in the lists of [`State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A gateway sends an attempt of a command to a node.
    Send {
        /// Whose command.
        client: u8,
        /// To which node.
        node: u8,
    },
    /// The oldest attempt expires.
    Expire,
    /// A node takes an attempt in hand.
    Take(u8),
    /// A node reads, decides, publishes or answers: one of them.
    Serve(u8),
    /// A publish reaches the log.
    Store(u8),
    /// The log's answer reaches the node.
    Acknowledge(u8),
    /// A node waits no longer for the answer.
    TimeOut(u8),
    /// A node hears of what others wrote (rule 9).
    Follow(u8),
    /// A node claims the partition and reads it.
    TakeOver(u8),
    /// A node's process is lost; it starts anew.
    Crash(u8),
    /// An answer reaches the gateway.
    Reply(u8),
    /// A client that was told "outcome unknown" repeats through another gateway.
    Repeat(u8),
    /// Somebody else's command is stored.
    Other,
    /// The worker shows a sign of life.
    Beat,
    /// The directory is edited.
    Edit,
}

fn places<T>(list: &[T]) -> impl Iterator<Item = (u8, &T)> {
    (0..).zip(list)
}

impl Chain {
    /// What may happen next.
    pub(super) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        self.gateways_may(state, actions);
        for (node, at) in places(&state.nodes) {
            if let Some(hand) = &at.hand {
                // Whatever is waited for ends with the attempt (rule 7).
                let may_time_out = state.timeouts > 0 || state.is_expired(hand.attempt);
                match hand.waits {
                    true if may_time_out => actions.push(Action::TimeOut(node)),
                    true => {}
                    false => actions.push(Action::Serve(node)),
                }
            }
            if at.owns && (at.known < state.head() || state.owner != node) {
                actions.push(Action::Follow(node));
            }
            if state.moves > 0 && state.owner != node {
                actions.push(Action::TakeOver(node));
            }
            if state.crashes > 0 && at.owns {
                actions.push(Action::Crash(node));
            }
        }
        for (index, publish) in places(&state.publishes) {
            match publish.answer {
                Some(_) => actions.push(Action::Acknowledge(index)),
                None if self.may_land(state, publish) => actions.push(Action::Store(index)),
                None => {}
            }
        }
        if usize::from(state.others) < self.scene.others.len() {
            actions.push(Action::Other);
        }
        if self.scene.beats && !state.world.live {
            actions.push(Action::Beat);
        }
        if self.scene.edits && state.world.allowed {
            actions.push(Action::Edit);
        }
    }

    fn gateways_may(&self, state: &State, actions: &mut Vec<Action>) {
        for (client, at) in places(&state.clients) {
            let sent = Self::sent_by(state, client, at.gateway);
            if at.told.is_none() && !at.given_up && sent < self.scene.attempts {
                // A gateway may not have heard of the newest claim yet. Without rule 6 the choice is the subject's.
                let may_own = places(&state.nodes).filter(|(node, at)| at.owns || *node == state.owner);
                let choices = if self.rules.one_receiver { state.nodes.len() } else { 1 };
                actions.extend(may_own.take(choices).map(|(node, _)| Action::Send { client, node }));
            }
            let over = (0..).zip(&state.attempts).all(|(index, a)| a.command != client || state.is_expired(index));
            let may_repeat = sent > 0 && (over || !self.rules.repeat_after_expiry);
            if at.told.is_none() && at.gateway + 1 < self.scene.gateways && may_repeat {
                actions.push(Action::Repeat(client));
            }
        }
        for (index, attempt) in places(&state.attempts) {
            match attempt.place {
                Place::Coming if state.nodes[usize::from(attempt.node)].hand.is_none() => {
                    actions.push(Action::Take(index));
                }
                Place::Answered(_) => actions.push(Action::Reply(index)),
                _ => {}
            }
        }
        if usize::from(state.expired) < state.attempts.len() {
            actions.push(Action::Expire);
        }
    }

    /// Lets it happen.
    pub(super) fn act(&self, state: &mut State, action: Action) {
        match action {
            Action::Send { client, node } => self.send(state, client, node),
            Action::Expire => state.expired += 1,
            Action::Take(attempt) => Self::take(state, attempt),
            Action::Serve(node) => self.serve(state, node),
            Action::Store(publish) => self.store(state, publish),
            Action::Acknowledge(publish) => self.acknowledge(state, publish),
            Action::TimeOut(node) => Self::time_out(state, node),
            Action::Follow(node) => Self::follow(state, node),
            Action::TakeOver(node) => Self::take_over(state, node),
            Action::Crash(node) => Self::crash(state, node),
            Action::Reply(attempt) => self.reply(state, attempt),
            Action::Repeat(client) => Self::repeat(state, client),
            Action::Other => self.other(state),
            Action::Beat => state.world.live = true,
            Action::Edit => state.world.allowed = false,
        }
    }
}
