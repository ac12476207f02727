//! Where the protocol ends: a publish that reaches the log after its attempt has expired, and an answer that hangs on
//! more than the chain. Found by this model; `model/README.md` says what follows from it.

use andon_model::{
    chain::{Ask, Chain, Genesis, REFUSED_IS_NEVER_STORED, Rules, Scene},
    explore::{visit_all, visit_until},
};

/// The worker's chain is closed; opening hangs on the directory, which is edited between two attempts.
const EDITED: Scene =
    Scene { genesis: Genesis::Closed, commands: &[Ask::Open], edits: true, timeouts: 1, moves: 1, ..Scene::PLAIN };

/// Two gateways, one after the other; closing hangs on beats.
const BEATS: Scene =
    Scene { commands: &[Ask::Expired], beats: true, gateways: 2, attempts: 1, timeouts: 1, moves: 1, ..Scene::PLAIN };

#[test]
fn a_late_publish_breaks_a_refusal_that_hangs_on_the_directory() {
    let model = Chain { rules: Rules::ALL, scene: EDITED };
    let visit = visit_until("late, directory", model, REFUSED_IS_NEVER_STORED);
    assert!(visit.way_to(REFUSED_IS_NEVER_STORED).is_some());
}

#[test]
fn a_late_publish_breaks_a_refusal_that_hangs_on_beats_through_another_gateway() {
    let model = Chain { rules: Rules::ALL, scene: BEATS };
    let visit = visit_until("late, beats", model, REFUSED_IS_NEVER_STORED);
    assert!(visit.way_to(REFUSED_IS_NEVER_STORED).is_some());
}

#[test]
fn without_late_publishes_both_hold() {
    for scene in [EDITED, BEATS] {
        let model = Chain { rules: Rules::ALL, scene: Scene { late: false, ..scene } };
        let visit = visit_all("in time", model);
        assert!(visit.way_to(REFUSED_IS_NEVER_STORED).is_none(), "{:?}", visit.way_to(REFUSED_IS_NEVER_STORED));
    }
}
