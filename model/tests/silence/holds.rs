//! With all rules every property holds in every state.

use andon_model::{
    explore::visit_all,
    silence::{CLOSES, Rules, Scene, Silence},
};

/// Visits every state; nothing may be violated, and sessions must have been closed.
fn holds(name: &str, scene: Scene) {
    let visit = visit_all(name, Silence { rules: Rules::ALL, scene });
    assert!(visit.is_complete(), "{name}: too many states");
    for property in visit.names() {
        assert_eq!(property, CLOSES, "{name}: {:?}", visit.way_to(property));
    }
    assert!(visit.way_to(CLOSES).is_some(), "{name}: nobody was ever closed");
}

#[test]
fn a_worker_who_goes_and_comes_back() {
    holds("calm", Scene { turns: 4, ..Scene::CALM });
}

#[test]
fn an_owner_that_is_suspended() {
    holds("suspended", Scene { suspensions: 2, turns: 3, steps: 14, ..Scene::CALM });
}

#[test]
fn owners_that_take_over_while_suspended() {
    holds("two owners", Scene { suspensions: 1, moves: 2, turns: 3, steps: 14, ..Scene::CALM });
}

#[test]
fn gateways_that_are_cut_from_nodes() {
    holds("cut", Scene { gateways: 2, cuts: 1, turns: 3, ..Scene::CALM });
}

#[test]
fn a_gateway_that_is_cut_from_nodes_with_a_longer_idle_time() {
    holds("cut, longer", Scene { idle: 8, steps: 22, cuts: 1, turns: 3, ..Scene::CALM });
}

#[test]
fn a_gateway_that_misses_a_claim() {
    holds("blind", Scene { gateways: 2, blind: 1, moves: 1, ..Scene::CALM });
}

#[test]
fn a_gateway_that_is_lost() {
    holds("lost", Scene { gateways: 2, losses: 1, ..Scene::CALM });
}

#[test]
fn an_owner_that_loses_its_connection() {
    holds("outage", Scene { outages: 2, turns: 3, steps: 14, ..Scene::CALM });
}

#[test]
fn an_owner_that_loses_its_connection_while_suspended() {
    holds("outage, suspended", Scene { suspensions: 1, outages: 1, turns: 3, steps: 14, ..Scene::CALM });
}

#[test]
fn an_outage_and_a_take_over_with_two_gateways() {
    holds("outage, two owners", Scene { gateways: 2, outages: 1, moves: 1, ..Scene::CALM });
}

#[test]
fn an_opening_that_is_stored_after_the_take_over() {
    holds("late open", Scene { open_is_late: true, moves: 1, turns: 3, steps: 14, ..Scene::CALM });
}
