//! What may happen between two steps, and what a step is.

use super::{
    Behind, Lost, Silence,
    state::{Gateway, Item, Node, State},
};

/// What happens next. A step is what time does; all else is trouble, or the worker's mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Time goes on.
    Step,
    /// The worker begins or ceases to beat.
    Turn,
    /// A node is stopped (SIGSTOP, a paused virtual machine), or goes on.
    Suspend(u8),
    /// A node is stopped in the middle of its next step, between deciding and sending.
    SuspendInside(u8),
    /// A suspended node goes on.
    Resume(u8),
    /// The other node claims the partition and reads it.
    TakeOver,
    /// A node loses its connection.
    Disconnect(u8),
    /// It has one again.
    Reconnect(u8),
    /// The link from a gateway to a node is cut.
    Cut(u8, u8),
    /// It is whole again.
    Heal(u8, u8),
    /// A gateway sees nothing new of the log.
    Blind(u8),
    /// It sees the log again.
    Sight(u8),
    /// A gateway is lost for good.
    Lose(u8),
    /// The `opened` of the former owner reaches the log.
    LateOpen,
}

impl Silence {
    /// What may happen next.
    pub(super) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        if state.now >= self.scene.steps || state.worker.closed.is_some() {
            return;
        }
        actions.push(Action::Step);
        if state.left.turns > 0 {
            actions.push(Action::Turn);
        }
        if state.left.moves > 0 && state.nodes[usize::from(1 - state.owner)].is_at_work() {
            actions.push(Action::TakeOver);
        }
        if state.worker.opened.is_none() {
            actions.push(Action::LateOpen);
        }
        for node in 0..2 {
            let at = &state.nodes[usize::from(node)];
            if !at.connected {
                actions.push(Action::Reconnect(node));
            } else if state.left.outages > 0 && at.claim.is_some() {
                actions.push(Action::Disconnect(node));
            }
            if at.suspended {
                actions.push(Action::Resume(node));
            } else if state.left.suspensions > 0 && at.claim.is_some() {
                actions.push(Action::Suspend(node));
                if !self.is_staged() || !self.rules.commits_at_once {
                    actions.push(Action::SuspendInside(node));
                }
            }
        }
        for gateway in 0..self.scene.gateways {
            self.gateway_may(state, gateway, actions);
        }
    }

    fn gateway_may(&self, state: &State, gateway: u8, actions: &mut Vec<Action>) {
        let at = &state.gateways[usize::from(gateway)];
        if !at.sees_log {
            actions.push(Action::Sight(gateway));
        } else if state.left.blind > 0 {
            actions.push(Action::Blind(gateway));
        }
        if at.up && state.left.losses > 0 {
            actions.push(Action::Lose(gateway));
        }
        for node in 0..2 {
            if state.cut[usize::from(gateway)][usize::from(node)] {
                actions.push(Action::Heal(gateway, node));
            } else if state.left.cuts > 0 {
                actions.push(Action::Cut(gateway, node));
            }
        }
    }

    /// Lets it happen.
    pub(super) fn act(&self, state: &mut State, action: Action) {
        match action {
            Action::Step => return self.step(state),
            Action::Turn => {
                state.left.turns -= 1;
                state.worker.beats = !state.worker.beats;
                return;
            }
            Action::Suspend(node) => {
                state.left.suspensions -= 1;
                state.nodes[usize::from(node)].suspended = true;
            }
            Action::SuspendInside(node) => {
                state.left.suspensions -= 1;
                state.nodes[usize::from(node)].stops_inside = true;
            }
            Action::Resume(node) => state.nodes[usize::from(node)].suspended = false,
            Action::Disconnect(node) => {
                state.left.outages -= 1;
                let node = &mut state.nodes[usize::from(node)];
                node.connected = false;
                node.socket.clear();
            }
            Action::Reconnect(node) => {
                let now = state.now;
                let node = &mut state.nodes[usize::from(node)];
                node.connected = true;
                if self.rules.reconnect_is_gap {
                    (node.gap_end, node.deaf) = (now, true);
                }
                node.socket.push(Item::Echo(now));
            }
            Action::TakeOver => self.take_over(state),
            Action::Cut(gateway, node) => {
                state.left.cuts -= 1;
                state.cut[usize::from(gateway)][usize::from(node)] = true;
            }
            Action::Heal(gateway, node) => state.cut[usize::from(gateway)][usize::from(node)] = false,
            Action::Blind(gateway) => {
                state.left.blind -= 1;
                state.gateways[usize::from(gateway)].sees_log = false;
            }
            Action::Sight(gateway) => state.gateways[usize::from(gateway)].sees_log = true,
            Action::Lose(gateway) => {
                state.left.losses -= 1;
                state.gateways[usize::from(gateway)].up = false;
            }
            Action::LateOpen => state.worker.opened = Some(state.now),
        }
        state.calm_since = state.now;
    }

    fn take_over(&self, state: &mut State) {
        state.left.moves -= 1;
        state.owner = 1 - state.owner;
        state.claim += 1;
        let seen = state.is_active().then_some(state.worker.opened).flatten();
        let (now, claim) = (state.now, state.claim);
        let node = &mut state.nodes[usize::from(state.owner)];
        node.claim = Some(claim);
        node.seen = seen.map(|at| (at, None));
        if self.rules.take_over_is_gap {
            node.gap_end = node.gap_end.max(now);
        }
    }

    /// One step: gateways see the log, the worker beats, batches go out, nodes read their sockets and send echoes.
    fn step(&self, state: &mut State) {
        state.now += 1;
        let now = state.now;
        let trouble = state.nodes.iter().any(|node| !node.is_at_work() && node.claim == Some(state.claim))
            || state.cut.iter().flatten().any(|cut| *cut)
            || state.gateways.iter().any(|gateway| !gateway.sees_log);
        if trouble {
            state.calm_since = now;
        }
        for gateway in state.gateways.iter_mut().filter(|gateway| gateway.sees_log) {
            (gateway.head, gateway.owner, gateway.claim) = (now, state.owner, state.claim);
        }
        let beat = self.beat(state);
        for index in 0..self.scene.gateways {
            Self::send_batches(state, index, beat == Some(index));
        }
        for index in 0..2 {
            if state.nodes[usize::from(index)].is_at_work() {
                self.run(state, index);
            }
        }
    }

    /// The worker beats: through which gateway it was answered `ok`.
    fn beat(&self, state: &mut State) -> Option<u8> {
        let worker = &mut state.worker;
        (worker.ok_before, worker.heard_before, worker.late_before) = (worker.ok, worker.heard, worker.late);
        if worker.ok.is_none_or(|ok| state.now - ok > 2) {
            worker.steady_since = None;
        }
        if !worker.beats {
            return None;
        }
        let gateway = &state.gateways[usize::from(worker.gateway)];
        if self.is_healthy(gateway, state.now) {
            let before = worker.ok.max(worker.opened).unwrap_or(0);
            if state.now - before >= self.scene.idle || worker.heard_through != Some(worker.gateway) {
                worker.late = Some((worker.gateway, state.now));
            }
            worker.steady_since = worker.steady_since.or(Some(state.now));
            worker.ok = Some(state.now);
            return Some(worker.gateway);
        }
        // 503, or nobody there: the next beat goes elsewhere.
        worker.gateway = (worker.gateway + 1) % self.scene.gateways;
        None
    }

    /// Whether a gateway answers beats with `ok` (rule 11).
    fn is_healthy(&self, gateway: &Gateway, now: u8) -> bool {
        // The answer of this step's roll call is not back yet.
        let answered = now - gateway.answered[usize::from(gateway.owner)] <= self.window() + 1;
        let head = now - gateway.head <= self.window();
        gateway.up && (answered || !self.rules.needs_answer) && (head || !self.rules.needs_head)
    }

    fn send_batches(state: &mut State, index: u8, beat: bool) {
        let gateway = &state.gateways[usize::from(index)];
        if !gateway.up {
            return;
        }
        for node in 0..2 {
            if state.cut[usize::from(index)][usize::from(node)] || !state.nodes[usize::from(node)].connected {
                continue;
            }
            let beat = beat && gateway.owner == node;
            if beat && node == state.owner {
                (state.worker.heard, state.worker.heard_through) = (Some(state.now), Some(index));
                state.worker.late = None;
            }
            if node == state.owner && state.worker.late.is_some_and(|(through, at)| through == index && at < state.now)
            {
                // Now its counter tells.
                state.worker.late = None;
            }
            let item = Item::Batch { gateway: index, beat, sent: state.now, claim: gateway.claim };
            state.nodes[usize::from(node)].socket.push(item);
        }
    }

    /// A node that is not suspended reads its socket, follows the log, and sends an echo.
    fn run(&self, state: &mut State, index: u8) {
        let (now, claim) = (state.now, state.claim);
        self.send_decided(state, index);
        if !self.rules.echo {
            self.timer(state, index);
        }
        for item in std::mem::take(&mut state.nodes[usize::from(index)].socket) {
            match item {
                Item::Batch { gateway, beat, sent, claim } => {
                    let node = &mut state.nodes[usize::from(index)];
                    self.hear(node, gateway, beat.then_some(sent), claim, now);
                    // The answer takes its way back through the same link.
                    if !state.cut[usize::from(gateway)][usize::from(index)] {
                        state.gateways[usize::from(gateway)].answered[usize::from(index)] = now;
                    }
                }
                Item::Echo(sent) if self.rules.echo => self.echo(state, index, sent),
                Item::Echo(_) => {}
            }
        }
        self.follow(state, index, claim);
        let node = &mut state.nodes[usize::from(index)];
        node.socket.push(Item::Echo(now));
        node.suspended = std::mem::take(&mut node.stops_inside);
        if !node.suspended {
            self.send_decided(state, index);
        }
    }

    /// A gateway's batch reaches the node (rules 11 and 13).
    fn hear(&self, node: &mut Node, gateway: u8, beat: Option<u8>, claim: u8, now: u8) {
        let (last_batch, gap_end) = &mut node.heard[usize::from(gateway)];
        // A batch comes in every step: none may be missing.
        if now - *last_batch > 1 {
            match self.rules.lost {
                Lost::NodeGap => node.gap_end = now,
                Lost::GatewayGap => *gap_end = now,
            }
        }
        *last_batch = now;
        if node.claim.is_some_and(|own| claim < own) {
            match self.rules.behind {
                Behind::NodeGap => node.gap_end = now,
                Behind::GatewayGap => *gap_end = now,
                Behind::Ignored => {}
            }
        }
        if let (Some(sent), Some((seen, via))) = (beat, &mut node.seen) {
            (*seen, *via) = ((*seen).max(sent), Some(gateway));
        }
    }

    /// What others wrote (rule 9): a session that was opened late, a newer claim.
    fn follow(&self, state: &mut State, index: u8, claim: u8) {
        let (is_active, opened) = (state.is_active(), state.worker.opened);
        let node = &mut state.nodes[usize::from(index)];
        if node.claim.is_some_and(|own| own < claim) && state.owner != index {
            (node.claim, node.seen, node.closing) = (None, None, None);
        }
        if self.rules.follows && is_active && node.claim.is_some() && node.seen.is_none() {
            let at = if self.rules.stream_time { opened.unwrap_or(0) } else { 0 };
            node.seen = Some((at, None));
        }
    }
}
