//! The state of the model: the log, two nodes, what is under way, and what clients know.

use super::{
    Scene,
    domain::{Event, Genesis, Kind, WorkerState, World},
};

/// Numbers of commands from here on are others'.
pub(super) const OTHERS: u8 = 100;

/// Everything there is at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The worker's chain, as the stream's leader has it.
    pub log: Vec<Event>,
    /// The node that the newest claim names.
    pub owner: u8,
    /// What decisions hang on besides.
    pub world: World,
    /// The nodes.
    pub nodes: [Node; 2],
    /// Publishes on their way, and their answers on the way back.
    pub publishes: Vec<Publish>,
    /// Every attempt, in the order they were sent.
    pub attempts: Vec<Attempt>,
    /// Attempts expire in the order they were sent: so many have.
    pub expired: u8,
    /// One for every command.
    pub clients: Vec<Client>,
    /// So many of the others' commands are stored.
    pub others: u8,
    /// What may still go wrong.
    pub timeouts: u8,
    /// What may still go wrong.
    pub crashes: u8,
    /// What may still go wrong.
    pub moves: u8,
}

/// An engine node, and the session actor in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// It believes that the partition is its own.
    pub owns: bool,
    /// The sequence of the chain's last message in its memory; 0: it has read nothing.
    pub known: u8,
    /// The attempt it is serving.
    pub hand: Option<Hand>,
    /// A publish of unknown outcome (rule 2).
    pub unknown: Option<Vec<Event>>,
}

/// An attempt being served.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hand {
    /// Which.
    pub attempt: u8,
    /// A leader read was made since (rule 3).
    pub fresh: bool,
    /// Its publish is under way.
    pub waits: bool,
    /// A publish of it has had no answer, and it was not decided again since.
    pub published: bool,
}

/// A publish on its way to the log, or its answer on the way back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Publish {
    /// Who sent it.
    pub node: u8,
    /// For which attempt.
    pub attempt: u8,
    /// What is to be stored, together.
    pub events: Vec<Event>,
    /// Without rule 4: what is published after it.
    pub rest: Vec<Kind>,
    /// Whether somebody waits for the answer.
    pub heard: bool,
    /// The log's answer: stored or refused.
    pub answer: Option<bool>,
}

/// One sending of a command by a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// Which command.
    pub command: u8,
    /// Which of the gateways that its client tries.
    pub gateway: u8,
    /// Which attempt of that gateway; without rule 6 two have the same number.
    pub number: u8,
    /// To which node.
    pub node: u8,
    /// How many attempts had expired when it was sent.
    pub expired_then: u8,
    /// Where it is.
    pub place: Place,
}

/// Where an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// On its way to the node.
    Coming,
    /// Being served.
    InHand,
    /// Its answer is on the way to the gateway.
    Answered(Reply),
    /// The gateway knows that it had no effect.
    WithoutEffect,
    /// The gateway knows that its command is stored.
    Stored,
    /// The gateway will never know.
    Unknown,
}

/// The owner's answer to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// Stored, now or before.
    Stored,
    /// Nothing to change.
    Nothing,
    /// No.
    Refused,
    /// No: the worker is there.
    StillLive,
    /// Not now: not the owner, expired, nothing read. Nothing was published.
    NotNow,
    /// Something was published.
    Unknown,
}

/// A client with its one command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Length of the log when the command was sent first; 0: not yet.
    pub since: u8,
    /// Which gateway it uses.
    pub gateway: u8,
    /// The gateway will say "outcome unknown": it sends no more.
    pub given_up: bool,
    /// What it was told in the end.
    pub told: Option<Told>,
    /// A refusal or "already so" was what no state since the sending would have said.
    pub lied_to: bool,
}

/// A final answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// Done.
    Ok,
    /// It was so already.
    Nothing,
    /// No.
    Refused,
}

impl State {
    /// The beginning: node 0 owns the partition and has read the chain.
    #[must_use]
    pub fn new(scene: &Scene) -> Self {
        let (active, pressed) = (scene.genesis != Genesis::Closed, scene.genesis == Genesis::Pressed);
        let after = WorkerState { active, pressed, ring: Vec::new() };
        let client = Client { since: 0, gateway: 0, given_up: false, told: None, lied_to: false };
        let node = |owns, known| Node { owns, known, hand: None, unknown: None };
        Self {
            log: vec![Event { command: OTHERS, kind: Kind::Genesis, base: 0, after }],
            owner: 0,
            world: World { live: false, allowed: true },
            nodes: [node(true, 1), node(false, 0)],
            publishes: Vec::new(),
            attempts: Vec::new(),
            expired: 0,
            clients: vec![client; scene.commands.len()],
            others: 0,
            timeouts: scene.timeouts,
            crashes: scene.crashes,
            moves: scene.moves,
        }
    }

    /// The sequence of the chain's last message.
    #[must_use]
    pub fn head(&self) -> u8 {
        u8::try_from(self.log.len()).unwrap_or(u8::MAX)
    }

    /// The state after the message with this sequence.
    #[must_use]
    pub fn after(&self, seq: u8) -> &WorkerState {
        // Sequences begin with 1, the genesis.
        &self.log[usize::from(seq.max(1)) - 1].after
    }

    /// How often a command has taken effect: a replace has when its session is open.
    #[must_use]
    pub fn effects(&self, command: u8) -> usize {
        self.log.iter().filter(|event| event.command == command && event.kind != Kind::Replaced).count()
    }

    /// Whether this attempt has expired.
    #[must_use]
    pub const fn is_expired(&self, attempt: u8) -> bool {
        attempt < self.expired
    }
}
