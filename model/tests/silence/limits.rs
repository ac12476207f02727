//! Where the protocol ends, and which of its rules stand for each other. `model/README.md` says what follows.

use andon_model::{
    explore::{visit_all, visit_until},
    silence::{Behind, CLOSES, NOT_STEADY, NOT_WHILE_HEARD, Rules, Scene, Silence},
};

const BLIND: Scene = Scene { gateways: 2, blind: 1, moves: 1, ..Scene::CALM };

fn holds(name: &str, rules: Rules, scene: Scene) {
    let visit = visit_all(name, Silence { rules, scene });
    assert!(visit.is_complete(), "{name}: too many states");
    for property in visit.names() {
        assert_eq!(property, CLOSES, "{name}: {:?}", visit.way_to(property));
    }
}

fn finds(name: &str, rules: Rules, scene: Scene, property: &'static str) {
    let visit = visit_until(name, Silence { rules, scene }, property);
    assert!(visit.way_to(property).is_some(), "{name}: no counterexample in {} states", visit.states());
}

#[test]
fn a_suspension_between_the_last_look_and_the_commit_closes_who_came_back() {
    let rules = Rules { commits_at_once: false, ..Rules::ALL };
    finds("late commit", rules, Scene { suspensions: 1, ..Scene::CALM }, NOT_WHILE_HEARD);
}

#[test]
fn a_missed_claim_as_a_gap_of_the_gateway_alone_misses_sessions_it_was_not_heard_for() {
    let rules = Rules { behind: Behind::GatewayGap, needs_head: false, ..Rules::ALL };
    finds("gateway gap", rules, BLIND, NOT_STEADY);
}

#[test]
fn the_head_of_the_log_alone_covers_a_missed_claim() {
    holds("head alone", Rules { behind: Behind::Ignored, ..Rules::ALL }, BLIND);
}

#[test]
fn a_missed_claim_as_a_gap_of_the_node_holds_without_the_head_of_the_log() {
    holds("node gap alone", Rules { needs_head: false, ..Rules::ALL }, BLIND);
}
