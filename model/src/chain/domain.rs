//! What sessions are in this model: just enough that every way to answer wrongly can be seen.

/// What the worker's chain says at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Genesis {
    /// A session is active.
    Active,
    /// A session is active, and its machine is on.
    Pressed,
    /// The last session is closed.
    Closed,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Open a session, replacing the active one. Hangs on the directory.
    Open,
    /// Report a piece: never "already so".
    Report,
    /// Switch the machine on: "nothing to change" when it is.
    Press,
    /// Close the session because nobody is there. Hangs on beats.
    Expired,
}

/// What decisions hang on besides the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The worker has shown a sign of life.
    pub live: bool,
    /// The directory allows to open a session.
    pub allowed: bool,
}

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The beginning of the model.
    Genesis,
    /// The first half of a replace.
    Replaced,
    /// A session began.
    Opened,
    /// A piece was reported.
    Reported,
    /// The machine was switched on.
    Pressed,
    /// The session ended.
    Closed,
}

/// The state after an event; events carry it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkerState {
    /// A session is active.
    pub active: bool,
    /// The machine is on.
    pub pressed: bool,
    /// Accepted commands, oldest first (rule 5).
    pub ring: Vec<u8>,
}

/// A message of the chain. Its sequence is its place in the log, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// The command that made it.
    pub command: u8,
    /// What it says.
    pub kind: Kind,
    /// The sequence it was decided on.
    pub base: u8,
    /// The state after it.
    pub after: WorkerState,
}

/// What the core makes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Store these.
    Publish(Vec<Kind>),
    /// The command id is in the ring.
    Repeat,
    /// What is asked for is so.
    Nothing,
    /// The chain (or the directory) says no.
    Refused,
    /// The worker is there.
    StillLive,
}

/// Decides, as the engine's core does: on the state, and what the owner knows besides.
pub(super) fn decide(command: u8, ask: Ask, state: &WorkerState, world: World) -> Decision {
    if state.ring.contains(&command) {
        return Decision::Repeat;
    }
    match ask {
        Ask::Open if !world.allowed => Decision::Refused,
        Ask::Open if state.active => Decision::Publish(vec![Kind::Replaced, Kind::Opened]),
        Ask::Open => Decision::Publish(vec![Kind::Opened]),
        Ask::Expired if !state.active => Decision::Nothing,
        Ask::Expired if world.live => Decision::StillLive,
        Ask::Expired => Decision::Publish(vec![Kind::Closed]),
        Ask::Report | Ask::Press if !state.active => Decision::Refused,
        Ask::Press if state.pressed => Decision::Nothing,
        Ask::Press => Decision::Publish(vec![Kind::Pressed]),
        Ask::Report => Decision::Publish(vec![Kind::Reported]),
    }
}

/// The events of these kinds by one command, the first on top of sequence `base` and `state`.
pub(super) fn events(command: u8, kinds: &[Kind], base: u8, state: &WorkerState, rules: &super::Rules) -> Vec<Event> {
    let mut before = state.clone();
    let mut made = Vec::new();
    for (base, &kind) in (base..).zip(kinds) {
        let mut after = WorkerState { active: !matches!(kind, Kind::Replaced | Kind::Closed), ..before };
        if kind == Kind::Pressed || kind == Kind::Opened {
            after.pressed = kind == Kind::Pressed;
        }
        if kind == Kind::Opened && !rules.ring_is_carried {
            after.ring.clear();
        }
        // A replace that is not one batch has its id in both halves: each is all that a reader may find.
        if kind != Kind::Replaced || !rules.replace_in_one_batch {
            after.ring.retain(|known| *known != command);
            after.ring.push(command);
            let surplus = after.ring.len().saturating_sub(rules.ring);
            after.ring.drain(..surplus);
        }
        before = after.clone();
        made.push(Event { command, kind, base, after });
    }
    made
}
