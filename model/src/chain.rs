//! One worker's chain: compare-and-set, unknown acknowledgements, owners that take over, gateways that try again
//! (protocol rules 1 to 7 and the following of rule 9).
//!
//! Time is the order of events and one mark, the expiry of attempts. Everything may take as long as it likes: a
//! message, a process, an acknowledgement. Each step of a process is an action of its own ([`Action`]), so that anything
//! may happen between two of them.

mod actions;
mod domain;
mod gateway;
mod owner;
mod properties;
mod state;

pub use actions::Action;
pub use domain::{Ask, Event, Genesis, Kind, WorkerState, World};
pub use properties::{
    AT_MOST_ONCE, NEVER_FORKS, OK_IS_STORED_ONCE, REFUSED_IS_NEVER_STORED, REPEAT_IS_ANSWERED, STALE_IS_REFUSED,
    UNKNOWN_IS_STORED, WAS_TRUE,
};
pub use state::{Attempt, Client, Node, Place, Publish, Reply, State, Told};
use stateright::{Model, Property};

/// The rules that can be left out, each named after its number in `docs/protocol.md`.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own, left out one at a time")]
pub struct Rules {
    /// 1: a publish names the sequence it builds on.
    pub compare_and_set: bool,
    /// 2: a publish of unknown outcome is sent again as it was while the chain has not moved.
    pub same_event_again: bool,
    /// 2: an attempt whose publish had no answer is not answered as without effect because the chain has moved since:
    /// it may have moved by that publish.
    pub published_is_remembered: bool,
    /// 3: an answer that publishes nothing needs a leader read made after the command arrived.
    pub leader_read: bool,
    /// 4: `closed` and `opened` of a replace are stored together or not at all.
    pub replace_in_one_batch: bool,
    /// 5: how many accepted command ids the state remembers. The real one holds 32.
    pub ring: usize,
    /// 5: the ring goes on into the next session.
    pub ring_is_carried: bool,
    /// 6: an attempt goes to one node.
    pub one_receiver: bool,
    /// 7: the owner checks the expiry before every decision.
    pub expiry_is_checked: bool,
    /// 7: an answer without effect is final only when no other attempt can take effect any more.
    pub final_when_alone: bool,
    /// 7: a refusal that hangs on beats or the clock is never final beside an attempt of unknown outcome.
    pub still_live_waits: bool,
    /// 7: a client repeats through another gateway only after the last attempt has expired.
    pub repeat_after_expiry: bool,
}

impl Rules {
    /// The protocol as it is.
    pub const ALL: Self = Self {
        compare_and_set: true,
        same_event_again: true,
        published_is_remembered: true,
        leader_read: true,
        replace_in_one_batch: true,
        ring: 4,
        ring_is_carried: true,
        one_receiver: true,
        expiry_is_checked: true,
        final_when_alone: true,
        still_live_waits: true,
        repeat_after_expiry: true,
    };
}

/// What happens in a model, and how often: it bounds the states.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What the worker's chain says at the beginning.
    pub genesis: Genesis,
    /// The commands, each from a client of its own.
    pub commands: &'static [Ask],
    /// What others write meanwhile, in this order: decided on the newest state and stored, each in one step.
    pub others: &'static [Ask],
    /// Attempts a gateway makes of a command.
    pub attempts: u8,
    /// Gateways a client tries, one after the other.
    pub gateways: u8,
    /// Publishes whose answer comes too late or never.
    pub timeouts: u8,
    /// Processes that are lost.
    pub crashes: u8,
    /// Take-overs of the partition.
    pub moves: u8,
    /// Whether the worker may show a sign of life.
    pub beats: bool,
    /// Whether the directory may be edited so that opening is no longer allowed.
    pub edits: bool,
    /// Whether an attempt's publish may reach the log after the attempt has expired and its margin has passed. A frozen
    /// process can do that; a slow network cannot.
    pub late: bool,
}

impl Scene {
    /// One worker with an active session, one gateway, two attempts, one of everything that can go wrong.
    pub const PLAIN: Self = Self {
        genesis: Genesis::Active,
        commands: &[],
        others: &[],
        attempts: 2,
        gateways: 1,
        timeouts: 1,
        crashes: 0,
        moves: 1,
        beats: false,
        edits: false,
        late: true,
    };
}

/// The model: rules, and a scene.
#[derive(Clone, Debug)]
pub struct Chain {
    /// What holds.
    pub rules: Rules,
    /// What happens.
    pub scene: Scene,
}

impl Model for Chain {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.scene)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        self.act(&mut next, action);
        self.forget(&mut next);
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
