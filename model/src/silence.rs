//! Closing a session because nobody is there: beats, echoes, gaps, claims, staged closes (protocol rules 9 and 11 to 14).
//!
//! Time goes in steps. In a step the worker may beat, gateways send their batches, and every node that is not suspended
//! reads what lies in its socket, in order; between steps something may go wrong ([`Action`]). A suspended node reads
//! nothing, and finds everything in its socket when it goes on.

mod closing;
mod node;
mod properties;
mod state;
mod step;

pub use properties::{CLOSED_IN_TIME, CLOSES, NOT_AFTER_OK, NOT_BY_STALE, NOT_STEADY, NOT_WHILE_HEARD};
pub use state::{Closing, Gateway, Item, Node, State, Worker};
use stateright::{Model, Property};
pub use step::Action;

/// A deadline is due so much after its time (rule 11).
pub const ALLOWANCE: u8 = 1;
/// An echo that takes longer is missed (rule 13). Without trouble it takes one step.
pub const ECHO_LATE: u8 = 1;
/// A silent session is closed at most this long after its deadline: allowance, echo, staging, and a last look.
pub const SLACK: u8 = ALLOWANCE + 3;

/// How closes reach the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Closes {
    /// Staged together with the renewal of the claim, checked again after another echo, then committed (rule 14).
    Staged,
    /// As `Staged`, but only beats are looked at again, not gaps.
    BeatsOnly,
    /// As `Staged`, without the renewal of the claim.
    StagedAlone,
    /// Decided, and sent together with a renewal of the claim.
    RenewalOnly,
    /// Decided, and sent.
    Sent,
}

/// What a gateway that is not heard means for the sessions heard through it (rule 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SilentGateway {
    /// Not due before its last batch + idle time; heard again it is the end of a gap, with grace.
    Waits,
    /// Nothing.
    Ignored,
    /// As `Waits`, with grace on top.
    Grace,
}

/// What a gateway that has not seen the owner's claim means (rule 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behind {
    /// A gap of the node: of all its sessions.
    NodeGap,
    /// A gap of that gateway: of the sessions last heard through it.
    GatewayGap,
    /// Nothing: gateways do not say which claim they have seen.
    Ignored,
}

/// What lost batches of a gateway mean (rule 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lost {
    /// A gap of the node: of all its sessions.
    NodeGap,
    /// A gap of that gateway: of the sessions last heard through it.
    GatewayGap,
}

/// The rules that can be left out.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own, left out one at a time")]
pub struct Rules {
    /// 9: an owner goes on reading the chain after its take-over.
    pub follows: bool,
    /// 11: what a gateway that missed a claim means.
    pub behind: Behind,
    /// 11: a gateway without the owner's answer sends its workers away.
    pub needs_answer: bool,
    /// 11: a gateway without the head of the log sends its workers away.
    pub needs_head: bool,
    /// 12: deadlines are checked when an echo comes back, not when a timer fires.
    pub echo: bool,
    /// 13: a late echo is a gap.
    pub late_echo_is_gap: bool,
    /// 13: a reconnect is a gap.
    pub reconnect_is_gap: bool,
    /// 13: lost batches.
    pub lost: Lost,
    /// 13: a take-over is a gap.
    pub take_over_is_gap: bool,
    /// 13: for deadlines an event counts from its stream timestamp, not from when it was decided.
    pub stream_time: bool,
    /// 13: silent gateways.
    pub silent_gateway: SilentGateway,
    /// 14: how closes reach the log.
    pub closes: Closes,
    /// 14: nothing comes between the last look and the commit.
    pub commits_at_once: bool,
}

impl Rules {
    /// The protocol as it is.
    pub const ALL: Self = Self {
        follows: true,
        behind: Behind::NodeGap,
        needs_answer: true,
        needs_head: true,
        echo: true,
        late_echo_is_gap: true,
        reconnect_is_gap: true,
        lost: Lost::NodeGap,
        take_over_is_gap: true,
        stream_time: true,
        silent_gateway: SilentGateway::Waits,
        closes: Closes::Staged,
        commits_at_once: true,
    };
}

/// What happens in a model, and how often.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The idle time, in steps; also the grace after a gap.
    pub idle: u8,
    /// Steps.
    pub steps: u8,
    /// Gateways a worker can reach: 1 or 2.
    pub gateways: u8,
    /// How often the worker begins or ceases to beat.
    pub turns: u8,
    /// Suspensions of nodes.
    pub suspensions: u8,
    /// Take-overs by the other node.
    pub moves: u8,
    /// How often a link between a gateway and a node is cut.
    pub cuts: u8,
    /// How often a gateway loses sight of the log.
    pub blind: u8,
    /// Gateways that are lost for good.
    pub losses: u8,
    /// How often a node loses its connection.
    pub outages: u8,
    /// The session's `opened` is still on its way from the first owner at the beginning.
    pub open_is_late: bool,
}

impl Scene {
    /// Nothing goes wrong.
    pub const CALM: Self = Self {
        idle: 4,
        steps: 12,
        gateways: 1,
        turns: 2,
        suspensions: 0,
        moves: 0,
        cuts: 0,
        blind: 0,
        losses: 0,
        outages: 0,
        open_is_late: false,
    };
}

/// The model: rules, and a scene.
#[derive(Clone, Debug)]
pub struct Silence {
    /// What holds.
    pub rules: Rules,
    /// What happens.
    pub scene: Scene,
}

impl Silence {
    /// A gateway that has had no answer from the owner for longer sends its workers away (rule 11).
    const fn window(&self) -> u8 {
        self.scene.idle / 4
    }

    /// A gateway that was not heard for longer is silent (rule 13).
    const fn silent_after(&self) -> u8 {
        self.scene.idle / 2
    }
}

impl Model for Silence {
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
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
