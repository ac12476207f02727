//! Random histories against the model: events, cuts with a return by cursor (to another gateway too), stalls, changed
//! filters, lost and late tombstones, a lost log. At every cursor a viewer holds what the fold of the log says.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::feed::{
    board::{Memory, Stale},
    model::{Client, Gateway, Log, STATUSES, at, station},
};

const WORKERS: u128 = 6;
const STATIONS: u128 = 2;
/// Frames after which a history must have come to rest.
const REST: usize = 10_000;

#[derive(Clone, Debug)]
enum Op {
    Open(u128, u128),
    Status(u128, usize),
    Close(u128),
    Claim,
    /// A gateway reads what is new.
    Follow(usize),
    /// A viewer takes so many frames.
    Take(usize, usize),
    Cut(usize, usize),
    Filter(usize, u8),
    Wait(u64),
    Restart(usize),
    LookBack(usize, u64),
    Lose(usize),
    Regain(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let (worker, viewer) = (0..WORKERS, 0..3_usize);
    prop_oneof![
        6 => (worker.clone(), 0..STATIONS).prop_map(|(worker, at)| Op::Open(worker, at)),
        8 => (worker.clone(), 0..STATUSES.len()).prop_map(|(worker, code)| Op::Status(worker, code)),
        4 => worker.prop_map(Op::Close),
        1 => Just(Op::Claim),
        6 => (0..2_usize).prop_map(Op::Follow),
        10 => (viewer.clone(), 1..4_usize).prop_map(|(viewer, frames)| Op::Take(viewer, frames)),
        6 => (viewer.clone(), 0..2_usize).prop_map(|(viewer, gateway)| Op::Cut(viewer, gateway)),
        1 => (viewer, any::<u8>()).prop_map(|(viewer, filter)| Op::Filter(viewer, filter)),
        3 => prop_oneof![3 => Just(20_u64), 1 => 1..20_000_u64].prop_map(Op::Wait),
        1 => (0..2_usize).prop_map(Op::Restart),
        2 => (0..2_usize, 1..20_u64).prop_map(|(gateway, messages)| Op::LookBack(gateway, messages)),
        1 => (0..2_usize).prop_map(Op::Lose),
        1 => (0..2_usize).prop_map(Op::Regain),
    ]
}

/// Two bits for stations, three for statuses, one for a scope; the rest makes none of it rarer.
fn filter(bits: u8) -> Filter {
    let bits = if bits & 128 == 0 { bits & 0b0011_1000 } else { bits };
    let stations = (0..STATIONS).filter(|number| bits & (1 << number) != 0).map(station).collect();
    let chosen = STATUSES.iter().enumerate().filter(|(number, _)| bits & (8 << number) != 0);
    let scope = [station(1)];
    let scope = (bits & 64 != 0).then_some(&scope[..]);
    Filter::new(stations, chosen.map(|(_, code)| code.parse().unwrap()).collect(), scope)
}

struct Watching {
    viewer: Option<Viewer>,
    client: Client,
    gateway: usize,
    filter: Filter,
    mode: Mode,
}

struct World {
    log: Log,
    gateways: Vec<Gateway>,
    watching: Vec<Watching>,
    ms: u64,
}

impl World {
    fn new(fat: usize, memory: Memory) -> Self {
        let watching =
            |mode| Watching { viewer: None, client: Client::default(), gateway: 0, filter: Filter::default(), mode };
        Self {
            log: Log::fat(fat),
            gateways: vec![Gateway::new(memory), Gateway::new(memory)],
            watching: vec![watching(Mode::Latest), watching(Mode::Latest), watching(Mode::Every)],
            ms: 0,
        }
    }

    fn run(&mut self, op: &Op) {
        let now = at(self.ms);
        match *op {
            Op::Open(worker, at) => self.log.open(worker, at),
            Op::Status(worker, code) => self.log.status(worker, STATUSES[code]),
            Op::Close(worker) => self.log.close(worker),
            Op::Claim => self.log.claim(),
            Op::Follow(gateway) => self.gateways[gateway].follow(&self.log),
            Op::Take(viewer, frames) => drop(self.take(viewer, frames)),
            Op::Cut(viewer, gateway) => {
                self.watching[viewer].viewer = None;
                self.watching[viewer].gateway = gateway;
            }
            Op::Filter(viewer, bits) => {
                let watching = &mut self.watching[viewer];
                watching.filter = filter(bits);
                if let Some(viewer) = &mut watching.viewer {
                    viewer.see(watching.filter.clone(), &self.gateways[watching.gateway].board, now);
                }
            }
            Op::Wait(ms) => self.ms += ms,
            Op::Restart(gateway) => {
                self.gateways[gateway].restart(&self.log);
                for watching in self.watching.iter_mut().filter(|watching| watching.gateway == gateway) {
                    watching.viewer = None;
                }
            }
            Op::LookBack(gateway, messages) => self.gateways[gateway].look_back(&self.log, messages),
            Op::Lose(gateway) => {
                let stale = Stale { since: now.wall, at: now.at };
                self.gateways[gateway].board.set_stale(Some(stale));
            }
            Op::Regain(gateway) => self.gateways[gateway].board.set_stale(None),
        }
    }

    /// Says whether the viewer came to rest: it has nothing more to take just now.
    fn take(&mut self, number: usize, frames: usize) -> bool {
        let now = at(self.ms);
        let watching = &mut self.watching[number];
        let gateway = &mut self.gateways[watching.gateway];
        if watching.viewer.is_none() {
            // Honest start: the view is at the head of the log as it was at connecting.
            gateway.follow(&self.log);
            let opening = Opening {
                mode: watching.mode,
                filter: watching.filter.clone(),
                after: watching.client.cursor.map(Ok),
                pause: FLUSH_EVERY,
                auth_expires_at: at(u64::from(u32::MAX)).wall,
                transport: Transport::Sse,
                lot: 0.5,
            };
            watching.viewer = Some(Viewer::new(opening, now));
        }
        let Some(viewer) = &mut watching.viewer else { return true };
        for _ in 0..frames {
            match viewer.step(&gateway.board, now) {
                Step::Send(frame) => {
                    watching.client.take(&frame, &self.log, &watching.filter, watching.mode == Mode::Every);
                }
                Step::Wait { .. } => return true,
                Step::End(_) => {
                    watching.viewer = None;
                    return false;
                }
            }
        }
        false
    }

    /// Everything quietens down, and everybody is told where they stand.
    fn rest(&mut self) {
        for gateway in &mut self.gateways {
            gateway.board.set_stale(None);
            gateway.follow(&self.log);
        }
        for number in 0..self.watching.len() {
            for _ in 0..2 {
                self.ms += 20_000;
                while !self.take(number, REST) {}
                self.ms += 20;
                assert!(self.take(number, REST), "viewer {number} does not come to rest");
            }
            let client = &self.watching[number].client;
            assert_eq!(client.cursor.unwrap().seq, self.log.head(), "viewer {number} does not know where it stands");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn at_every_cursor_a_viewer_holds_the_fold_of_the_log(
        ops in vec(op(), 1..250),
        fat in prop_oneof![Just(0_usize), Just(25_000)],
        changes in 1..8_usize,
        tombstones in 1..8_usize,
        filters in vec(any::<u8>(), 3),
    ) {
        let mut world = World::new(fat, Memory { changes, tombstones });
        for (number, bits) in filters.into_iter().enumerate() {
            world.watching[number].filter = filter(bits);
        }
        for op in &ops {
            world.run(op);
        }
        world.rest();
    }
}

#[test]
fn a_viewer_that_does_not_read_holds_nothing_back() {
    // given a viewer that has taken its snapshot and reads no more
    let mut world = World::new(0, Memory::default());
    world.take(0, REST);
    world.take(2, REST);
    // when a great deal happens
    for round in 0..2_000_u32 {
        world.log.open(u128::from(round) % WORKERS, 0);
    }
    world.gateways[0].follow(&world.log);
    // then it holds no more than before: a position
    for number in [0, 2] {
        let viewer = world.watching[number].viewer.as_ref().unwrap();
        assert!(viewer.cut.is_none() && viewer.next.is_none() && viewer.seen.is_none());
    }
    // and what it then gets is as small as what there is to know
    let before = world.watching[0].client.frames;
    world.ms += 100;
    assert!(world.take(0, REST));
    assert!(world.watching[0].client.frames - before <= 5, "{}", world.watching[0].client.frames - before);
    assert!(world.take(2, REST));
    world.rest();
}

#[test]
fn what_a_cut_that_broke_off_left_behind_is_taken_out() {
    // given a viewer of faults, and more faults than fit into one frame, of which it gets the first part
    let mut world = World::new(25_000, Memory::default());
    world.watching[0].filter = Filter::new(vec![], vec!["fault".parse().unwrap()], None);
    world.log.open(1, 0);
    world.log.open(2, 0);
    assert!(world.take(0, REST));
    world.log.status(1, "fault");
    world.log.status(2, "fault");
    world.gateways[0].follow(&world.log);
    world.ms += 100;
    assert!(!world.take(0, 1), "a second part waits");
    // when the connection breaks, the faults end, and it comes back with the cursor from before them
    world.run(&Op::Cut(0, 0));
    world.log.status(1, "setup");
    world.log.status(2, "setup");
    // then nothing of them stays
    world.rest();
}
