//! The state of the model: the worker, two gateways, two nodes, the log.

use super::Scene;

/// Everything there is at one moment. Times are numbers of steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// How many steps there were.
    pub now: u8,
    /// The worker and the session.
    pub worker: Worker,
    /// The node that the newest claim names.
    pub owner: u8,
    /// The sequence of that claim.
    pub claim: u8,
    /// The gateways.
    pub gateways: [Gateway; 2],
    /// The nodes.
    pub nodes: [Node; 2],
    /// Links that are cut: from a gateway to a node.
    pub cut: [[bool; 2]; 2],
    /// When the last trouble began or ended that may put off a close: of the nodes and the links to them.
    pub calm_since: u8,
    /// What may still happen.
    pub left: Left,
}

/// What of a scene may still happen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Left {
    pub(super) turns: u8,
    pub(super) suspensions: u8,
    pub(super) moves: u8,
    pub(super) cuts: u8,
    pub(super) blind: u8,
    pub(super) losses: u8,
    pub(super) outages: u8,
}

/// The worker and the session, as they really are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Worker {
    /// Beats in every step.
    pub beats: bool,
    /// Through which gateway.
    pub gateway: u8,
    /// When a beat was last answered `ok`, before this step.
    pub ok_before: Option<u8>,
    /// When a beat was last answered `ok`.
    pub ok: Option<u8>,
    /// When a beat last reached the owner's socket, before this step.
    pub heard_before: Option<u8>,
    /// When a beat last reached the owner's socket.
    pub heard: Option<u8>,
    /// When the log stored the session's `opened`; none: it is still on its way.
    pub opened: Option<u8>,
    /// When the log stored the session's end.
    pub closed: Option<u8>,
    /// It was stored by a node that was no longer the owner.
    pub closed_by_stale: bool,
    /// Through which gateway.
    pub heard_through: Option<u8>,
    /// Since when beats are answered `ok` with no more than a step between them; none: they are not.
    pub steady_since: Option<u8>,
    /// The last `ok` came after a pause as long as the idle time, or through another gateway than the owner last heard
    /// the worker through; and neither the worker nor that gateway has reached the owner since. Through which, and when.
    pub late: Option<(u8, u8)>,
    /// The same before this step.
    pub late_before: Option<(u8, u8)>,
}

/// A gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gateway {
    /// Whether it is there.
    pub up: bool,
    /// Whether it sees what is new in the log.
    pub sees_log: bool,
    /// When it last had the head of the log.
    pub head: u8,
    /// The owner it knows of.
    pub owner: u8,
    /// The sequence of that claim.
    pub claim: u8,
    /// When it was last answered by each node.
    pub answered: [u8; 2],
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// It has a connection: without one, what is sent to it is lost.
    pub connected: bool,
    /// It is stopped, and does not know it.
    pub suspended: bool,
    /// It will be stopped in the middle of its next step, before it sends what it decides in it.
    pub stops_inside: bool,
    /// The sequence of its own claim, as long as it believes in it.
    pub claim: Option<u8>,
    /// Its socket, oldest first.
    pub socket: Vec<Item>,
    /// The session, when it has read that it is active: the last sign of life, and through which gateway.
    pub seen: Option<(u8, Option<u8>)>,
    /// The end of its last gap.
    pub gap_end: u8,
    /// A gap lasts until the next punctual echo.
    pub deaf: bool,
    /// Its gateways: the last batch, and the end of the last gap.
    pub heard: [(u8, u8); 2],
    /// A close under way.
    pub closing: Option<Closing>,
}

/// What comes through a node's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// A gateway's batch of this step, also its roll call.
    Batch {
        /// Whose.
        gateway: u8,
        /// Whether the worker's beat is in it.
        beat: bool,
        /// When it was sent: a beat carries its age.
        sent: u8,
        /// The newest claim that the gateway has seen.
        claim: u8,
    },
    /// An echo of the node's own, sent then.
    Echo(u8),
}

/// A close on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Closing {
    /// The last sign of life it was decided on.
    pub seen: u8,
    /// The end of the last gap it was decided on.
    pub gap_end: u8,
    /// The claim it renews.
    pub claim: u8,
    /// It has been looked at for the last time, and will be stored.
    pub decided: bool,
}

impl State {
    /// The beginning: node 0 owns the partition, everybody hears everybody, and the session is active unless it is late.
    #[must_use]
    pub fn new(scene: &Scene) -> Self {
        let gateway = Gateway { up: true, sees_log: true, head: 0, owner: 0, claim: 1, answered: [0; 2] };
        let opened = (!scene.open_is_late).then_some(0);
        let node = |claim: Option<u8>| Node {
            connected: true,
            suspended: false,
            stops_inside: false,
            claim,
            socket: vec![Item::Echo(0)],
            seen: claim.and(opened).map(|at| (at, None)),
            gap_end: 0,
            deaf: false,
            heard: [(0, 0); 2],
            closing: None,
        };
        let quiet = Worker {
            beats: true,
            gateway: 0,
            ok_before: None,
            ok: None,
            heard_before: None,
            heard: None,
            opened,
            closed: None,
            closed_by_stale: false,
            heard_through: None,
            steady_since: None,
            late: None,
            late_before: None,
        };
        Self {
            now: 0,
            worker: quiet,
            owner: 0,
            claim: 1,
            gateways: [gateway.clone(), gateway],
            nodes: [node(Some(1)), node(None)],
            cut: [[false; 2]; 2],
            calm_since: 0,
            left: Left {
                turns: scene.turns,
                suspensions: scene.suspensions,
                moves: scene.moves,
                cuts: scene.cuts,
                blind: scene.blind,
                losses: scene.losses,
                outages: scene.outages,
            },
        }
    }

    /// Whether the log says that the session is active.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.worker.opened.is_some() && self.worker.closed.is_none()
    }
}

impl Node {
    /// Whether it runs and has a connection.
    #[must_use]
    pub const fn is_at_work(&self) -> bool {
        self.connected && !self.suspended
    }
}
