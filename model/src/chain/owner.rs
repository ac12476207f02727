//! What nodes and the log do: serving an attempt (rules 1 to 5), taking over and following (rule 9).

use super::{
    Chain,
    domain::{self, Decision, Event, Kind},
    state::{Hand, Node, OTHERS, Place, Publish, Reply, State},
};

impl Chain {
    /// A node takes an attempt in hand.
    pub(super) fn take(state: &mut State, index: u8) {
        let attempt = &mut state.attempts[usize::from(index)];
        let node = &mut state.nodes[usize::from(attempt.node)];
        if node.owns {
            attempt.place = Place::InHand;
            node.hand = Some(Hand { attempt: index, fresh: false, waits: false, published: false });
        } else {
            attempt.place = Place::Answered(Reply::NotNow);
        }
    }

    /// One step of serving: an answer, a leader read, or a publish.
    pub(super) fn serve(&self, state: &mut State, index: u8) {
        let node = &state.nodes[usize::from(index)];
        let Some(hand) = node.hand.clone() else { return };
        let command = state.attempts[usize::from(hand.attempt)].command;
        let is_unknown = node.unknown.as_ref().is_some_and(|events| events[0].command == command);
        if self.rules.expiry_is_checked && state.is_expired(hand.attempt) {
            let published = is_unknown || hand.published && self.rules.published_is_remembered;
            return Self::answer(state, index, if published { Reply::Unknown } else { Reply::NotNow });
        }
        if node.known == 0 || is_unknown && !hand.fresh {
            return Self::read(state, index);
        }
        if is_unknown {
            let events = state.nodes[usize::from(index)].unknown.take().unwrap_or_default();
            if self.rules.same_event_again {
                return self.publish(state, index, events, Vec::new());
            }
        }
        self.decide(state, index, &hand, command);
    }

    fn decide(&self, state: &mut State, index: u8, hand: &Hand, command: u8) {
        let known = state.nodes[usize::from(index)].known;
        let ask = self.scene.commands[usize::from(command)];
        let reply = match domain::decide(command, ask, state.after(known), state.world) {
            Decision::Publish(kinds) => {
                let (now, rest) = kinds.split_at(if self.rules.replace_in_one_batch { kinds.len() } else { 1 });
                let events = domain::events(command, now, known, state.after(known), &self.rules);
                return self.publish(state, index, events, rest.to_vec());
            }
            Decision::Repeat => Reply::Stored,
            Decision::Nothing => Reply::Nothing,
            Decision::Refused => Reply::Refused,
            Decision::StillLive => Reply::StillLive,
        };
        if self.rules.leader_read && !hand.fresh {
            return Self::read(state, index);
        }
        Self::answer(state, index, reply);
    }

    /// A leader read of the chain's last message.
    fn read(state: &mut State, index: u8) {
        let head = state.head();
        let node = &mut state.nodes[usize::from(index)];
        node.learn(head);
        if let Some(hand) = &mut node.hand {
            hand.fresh = true;
        }
    }

    fn publish(&self, state: &mut State, index: u8, events: Vec<Event>, rest: Vec<Kind>) {
        let Some(hand) = &mut state.nodes[usize::from(index)].hand else { return };
        hand.waits = true;
        let attempt = hand.attempt;
        state.publishes.push(Publish { node: index, attempt, events, rest, heard: true, answer: None });
    }

    fn answer(state: &mut State, index: u8, reply: Reply) {
        if let Some(hand) = state.nodes[usize::from(index)].hand.take() {
            state.attempts[usize::from(hand.attempt)].place = Place::Answered(reply);
        }
    }

    /// Whether a publish can still be stored.
    pub(super) fn may_land(&self, state: &State, publish: &Publish) -> bool {
        let in_time = self.scene.late || !state.is_expired(publish.attempt);
        let moved = self.rules.compare_and_set && publish.events[0].base != state.head();
        in_time && (publish.heard || !moved)
    }

    /// The log stores a publish, or refuses it (rule 1).
    pub(super) fn store(&self, state: &mut State, index: u8) {
        let head = state.head();
        let publish = &mut state.publishes[usize::from(index)];
        let stored = !self.rules.compare_and_set || publish.events[0].base == head;
        publish.answer = Some(stored);
        if stored {
            state.log.append(&mut publish.events.clone());
        }
    }

    /// Somebody else's command is decided on the newest state and stored.
    pub(super) fn other(&self, state: &mut State) {
        let Some(&ask) = self.scene.others.get(usize::from(state.others)) else { return };
        let command = OTHERS + 1 + state.others;
        state.others += 1;
        let head = state.head();
        if let Decision::Publish(kinds) = domain::decide(command, ask, state.after(head), state.world) {
            state.log.append(&mut domain::events(command, &kinds, head, state.after(head), &self.rules));
        }
    }

    /// The log's answer reaches the node.
    pub(super) fn acknowledge(&self, state: &mut State, index: u8) {
        let publish = state.publishes.remove(usize::from(index));
        let last = publish.events.last().map_or(0, |event| event.base + 1);
        if publish.answer != Some(true) {
            // Somebody else wrote: read, and decide again on that.
            if let Some(hand) = &mut state.nodes[usize::from(publish.node)].hand {
                hand.waits = false;
            }
            return Self::read(state, publish.node);
        }
        state.nodes[usize::from(publish.node)].learn(last);
        if publish.rest.is_empty() {
            return Self::answer(state, publish.node, Reply::Stored);
        }
        let command = publish.events[0].command;
        let events = domain::events(command, &publish.rest, last, state.after(last), &self.rules);
        self.publish(state, publish.node, events, Vec::new());
    }

    /// The answer does not come: the outcome is unknown (rule 2).
    pub(super) fn time_out(state: &mut State, index: u8) {
        state.timeouts = state.timeouts.saturating_sub(1);
        let node = &mut state.nodes[usize::from(index)];
        let waits = |publish: &&mut Publish| publish.node == index && publish.heard;
        if let Some(publish) = state.publishes.iter_mut().find(waits) {
            publish.heard = false;
            node.unknown = Some(publish.events.clone());
        }
        if let Some(hand) = &mut node.hand {
            *hand = Hand { fresh: false, waits: false, published: true, ..*hand };
        }
    }

    /// What others wrote arrives: the chain and the claims.
    pub(super) fn follow(state: &mut State, index: u8) {
        let (head, owner) = (state.head(), state.owner);
        let node = &mut state.nodes[usize::from(index)];
        node.learn(head);
        node.owns = owner == index;
    }

    /// A claim is stored, and the chain is read. Nothing is asked of the former owner, which may know nothing of it.
    pub(super) fn take_over(state: &mut State, index: u8) {
        state.moves -= 1;
        state.owner = index;
        let head = state.head();
        let node = &mut state.nodes[usize::from(index)];
        node.owns = true;
        node.learn(head);
    }

    /// The process is lost, with all it knew; the next one has another address.
    pub(super) fn crash(state: &mut State, index: u8) {
        state.crashes -= 1;
        state.nodes[usize::from(index)] = Node { owns: false, known: 0, hand: None, unknown: None };
        for attempt in state.attempts.iter_mut().filter(|attempt| attempt.node == index) {
            if matches!(attempt.place, Place::Coming | Place::InHand) {
                attempt.place = Place::Unknown;
            }
        }
        for publish in state.publishes.iter_mut().filter(|publish| publish.node == index) {
            publish.heard = false;
        }
    }

    /// Forgets what can make no difference any more.
    pub(super) fn forget(&self, state: &mut State) {
        let mut publishes = std::mem::take(&mut state.publishes);
        publishes.retain(|publish| publish.heard || publish.answer.is_none() && self.may_land(state, publish));
        publishes.sort_by_key(|publish| (publish.node, publish.attempt, publish.heard));
        state.publishes = publishes;
    }
}

impl Node {
    /// The chain's last message has this sequence: an older publish of unknown outcome is decided by it.
    fn learn(&mut self, seq: u8) {
        self.known = self.known.max(seq);
        if self.unknown.as_ref().is_some_and(|events| events[0].base < self.known) {
            self.unknown = None;
        }
    }
}
