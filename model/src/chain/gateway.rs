//! What gateways do: sending attempts, and when they believe an answer (rules 6 and 7).

use super::{
    Chain,
    domain::{self, Decision, World},
    state::{Attempt, Place, Reply, State, Told},
};

impl Chain {
    /// How many attempts a gateway has sent of a command.
    pub(super) fn sent_by(state: &State, command: u8, gateway: u8) -> u8 {
        let own = state.attempts.iter().filter(|a| a.command == command && a.gateway == gateway);
        own.map(|attempt| attempt.number + 1).max().unwrap_or(0)
    }

    /// Sends an attempt: to one node, or (without rule 6) to both.
    pub(super) fn send(&self, state: &mut State, command: u8, node: u8) {
        let head = state.head();
        let client = &mut state.clients[usize::from(command)];
        if client.since == 0 {
            client.since = head;
        }
        let gateway = client.gateway;
        let number = Self::sent_by(state, command, gateway);
        let expired_then = state.expired;
        let attempt = |node| Attempt { command, gateway, number, node, expired_then, place: Place::Coming };
        state.attempts.push(attempt(node));
        if !self.rules.one_receiver {
            state.attempts.push(attempt(1 - node));
        }
    }

    /// An answer reaches the gateway.
    pub(super) fn reply(&self, state: &mut State, index: u8) {
        let attempt = state.attempts[usize::from(index)].clone();
        let Place::Answered(reply) = attempt.place else { return };
        state.attempts[usize::from(index)].place = match reply {
            Reply::Stored => Place::Stored,
            Reply::Unknown => Place::Unknown,
            Reply::Nothing | Reply::Refused | Reply::StillLive | Reply::NotNow => Place::WithoutEffect,
        };
        let client = &state.clients[usize::from(attempt.command)];
        if client.gateway != attempt.gateway || client.told.is_some() || client.given_up {
            return;
        }
        let told = match reply {
            Reply::Stored => Told::Ok,
            Reply::Nothing if self.is_final(state, index, &attempt) => Told::Nothing,
            Reply::Refused if self.is_final(state, index, &attempt) => Told::Refused,
            Reply::StillLive if self.is_alone(state, index, &attempt) => Told::Refused,
            Reply::StillLive => {
                state.clients[usize::from(attempt.command)].given_up = true;
                return;
            }
            Reply::Nothing | Reply::Refused | Reply::NotNow | Reply::Unknown => return,
        };
        let lied_to = !self.was_true(state, attempt.command, told, reply);
        let client = &mut state.clients[usize::from(attempt.command)];
        client.told = Some(told);
        client.lied_to = lied_to;
    }

    /// Every other attempt had no effect, or had expired before this one was sent (rule 7).
    fn is_final(&self, state: &State, index: u8, this: &Attempt) -> bool {
        !self.rules.final_when_alone
            || Self::others(state, index, this)
                .all(|(other, a)| a.place == Place::WithoutEffect || other < this.expired_then)
    }

    /// Every other attempt had no effect.
    fn is_alone(&self, state: &State, index: u8, this: &Attempt) -> bool {
        if !self.rules.still_live_waits {
            return self.is_final(state, index, this);
        }
        Self::others(state, index, this).all(|(_, a)| a.place == Place::WithoutEffect)
    }

    fn others<'a>(state: &'a State, index: u8, this: &'a Attempt) -> impl Iterator<Item = (u8, &'a Attempt)> {
        // Without rule 6 the gateway cannot tell that one of its attempts went to two.
        let is_other = |a: &Attempt| a.command == this.command && a.gateway == this.gateway && a.number != this.number;
        (0..).zip(&state.attempts).filter(move |(other, a)| *other != index && is_other(a))
    }

    /// Whether some state of the chain since the command was sent would have said so.
    fn was_true(&self, state: &State, command: u8, told: Told, reply: Reply) -> bool {
        let ask = self.scene.commands[usize::from(command)];
        // Beats and the directory only ever go one way here: what hangs on them was so at some time.
        let worlds = [state.world, World { live: true, ..state.world }];
        let expected = match (told, reply) {
            (Told::Ok, _) => return true,
            (Told::Nothing, _) => Decision::Nothing,
            (Told::Refused, Reply::StillLive) => Decision::StillLive,
            (Told::Refused, _) => Decision::Refused,
        };
        let since = state.clients[usize::from(command)].since;
        (since..=state.head())
            .any(|seq| worlds.iter().any(|world| domain::decide(command, ask, state.after(seq), *world) == expected))
    }

    /// A client goes to the next gateway, with the same command id.
    pub(super) fn repeat(state: &mut State, command: u8) {
        let client = &mut state.clients[usize::from(command)];
        client.gateway += 1;
        client.given_up = false;
    }
}
