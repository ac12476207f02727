//! With all rules every property holds in every state.

use andon_model::{
    chain::{Ask, Chain, Genesis, REPEAT_IS_ANSWERED, Rules, STALE_IS_REFUSED, Scene, UNKNOWN_IS_STORED},
    explore::visit_all,
};

/// Visits every state; nothing may be violated, and what the scene is for must have been possible.
fn holds(name: &str, scene: Scene, possible: &[&'static str]) {
    let visit = visit_all(name, Chain { rules: Rules::ALL, scene });
    assert!(visit.is_complete(), "{name}: too many states");
    for property in visit.names() {
        let examples = [UNKNOWN_IS_STORED, STALE_IS_REFUSED, REPEAT_IS_ANSWERED];
        assert!(examples.contains(&property), "{property}: {:?}", visit.way_to(property));
    }
    for property in possible {
        assert!(visit.way_to(property).is_some(), "{name} never came to: {property}");
    }
}

#[test]
fn one_command_with_owners_that_change_and_a_crash() {
    let scene = Scene { commands: &[Ask::Report], timeouts: 2, crashes: 1, moves: 2, ..Scene::PLAIN };
    holds("one command", scene, &[UNKNOWN_IS_STORED, REPEAT_IS_ANSWERED]);
}

#[test]
fn a_replace_with_owners_that_change_and_a_crash() {
    let scene = Scene { commands: &[Ask::Open], timeouts: 2, crashes: 1, moves: 2, ..Scene::PLAIN };
    holds("a replace", scene, &[UNKNOWN_IS_STORED, REPEAT_IS_ANSWERED]);
}

#[test]
fn a_command_that_is_repeated_through_another_gateway() {
    let scene = Scene { commands: &[Ask::Press], attempts: 1, gateways: 2, ..Scene::PLAIN };
    holds("another gateway", scene, &[UNKNOWN_IS_STORED, REPEAT_IS_ANSWERED]);
}

#[test]
fn a_command_beside_others() {
    let scene = Scene { commands: &[Ask::Report], others: &[Ask::Open, Ask::Report], ..Scene::PLAIN };
    holds("others beside it", scene, &[UNKNOWN_IS_STORED, STALE_IS_REFUSED, REPEAT_IS_ANSWERED]);
}

#[test]
fn a_refusal_beside_an_opening() {
    let scene = Scene { genesis: Genesis::Closed, commands: &[Ask::Press], others: &[Ask::Open], ..Scene::PLAIN };
    holds("a refusal", scene, &[UNKNOWN_IS_STORED, STALE_IS_REFUSED, REPEAT_IS_ANSWERED]);
}

#[test]
fn two_commands_at_once() {
    let scene = Scene { commands: &[Ask::Report, Ask::Open], attempts: 1, timeouts: 1, moves: 1, ..Scene::PLAIN };
    holds("two at once", scene, &[STALE_IS_REFUSED]);
}

#[test]
fn a_close_that_hangs_on_beats() {
    let scene = Scene { commands: &[Ask::Expired], crashes: 1, moves: 2, beats: true, ..Scene::PLAIN };
    holds("hangs on beats", scene, &[UNKNOWN_IS_STORED, REPEAT_IS_ANSWERED]);
}
