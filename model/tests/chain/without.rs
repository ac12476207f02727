//! Each rule left out, and what goes wrong then: the counterexamples in the brackets of `docs/protocol.md`.

use andon_model::{
    chain::{
        AT_MOST_ONCE, Ask, Chain, Genesis, NEVER_FORKS, OK_IS_STORED_ONCE, REFUSED_IS_NEVER_STORED, Rules, Scene,
        WAS_TRUE,
    },
    explore::visit_until,
};

/// Visits states until `property` is violated: it must be.
fn finds(name: &str, rules: Rules, scene: Scene, property: &'static str) {
    let visit = visit_until(name, Chain { rules, scene }, property);
    assert!(visit.way_to(property).is_some(), "{name}: no counterexample in {} states", visit.states());
}

#[test]
fn rule_1_without_compare_and_set_the_chain_forks() {
    let rules = Rules { compare_and_set: false, ..Rules::ALL };
    finds("1, forks", rules, Scene { commands: &[Ask::Report], ..Scene::PLAIN }, NEVER_FORKS);
}

#[test]
fn rule_1_without_compare_and_set_a_command_takes_effect_twice() {
    let rules = Rules { compare_and_set: false, ..Rules::ALL };
    finds("1, double effects", rules, Scene { commands: &[Ask::Report], ..Scene::PLAIN }, AT_MOST_ONCE);
}

#[test]
fn rule_2_decided_anew_after_a_beat_what_was_refused_is_stored() {
    let rules = Rules { same_event_again: false, ..Rules::ALL };
    let scene = Scene { commands: &[Ask::Expired], beats: true, attempts: 1, moves: 0, ..Scene::PLAIN };
    finds("2, decided anew", rules, scene, REFUSED_IS_NEVER_STORED);
}

#[test]
fn rule_2_an_attempt_that_published_is_not_without_effect_because_the_chain_has_moved() {
    let rules = Rules { published_is_remembered: false, ..Rules::ALL };
    let scene = Scene { commands: &[Ask::Expired], timeouts: 2, beats: true, ..Scene::PLAIN };
    finds("2, published", rules, scene, REFUSED_IS_NEVER_STORED);
}

#[test]
fn rule_3_without_the_leader_read_a_stale_owner_refuses_what_was_never_refusable() {
    let rules = Rules { leader_read: false, ..Rules::ALL };
    let scene = Scene { genesis: Genesis::Closed, commands: &[Ask::Report], others: &[Ask::Open], ..Scene::PLAIN };
    finds("3, refuses", rules, scene, WAS_TRUE);
}

#[test]
fn rule_3_without_the_leader_read_a_stale_owner_says_already_so_what_never_was() {
    let rules = Rules { leader_read: false, ..Rules::ALL };
    // The machine was on in the session that is replaced; in the next one it never is.
    let scene = Scene { genesis: Genesis::Pressed, commands: &[Ask::Press], others: &[Ask::Open], ..Scene::PLAIN };
    finds("3, already so", rules, scene, WAS_TRUE);
}

#[test]
fn rule_4_as_two_publishes_ok_is_said_of_a_session_that_does_not_exist() {
    let rules = Rules { replace_in_one_batch: false, ..Rules::ALL };
    let scene = Scene { commands: &[Ask::Open], timeouts: 0, crashes: 1, ..Scene::PLAIN };
    finds("4, two publishes", rules, scene, OK_IS_STORED_ONCE);
}

#[test]
fn rule_5_with_a_ring_of_one_a_command_takes_effect_twice() {
    let rules = Rules { ring: 1, ..Rules::ALL };
    finds(
        "5, ring of one",
        rules,
        Scene { commands: &[Ask::Report], others: &[Ask::Report], ..Scene::PLAIN },
        AT_MOST_ONCE,
    );
}

#[test]
fn rule_5_with_a_ring_that_is_not_carried_a_command_takes_effect_twice() {
    let rules = Rules { ring_is_carried: false, ..Rules::ALL };
    finds(
        "5, not carried",
        rules,
        Scene { commands: &[Ask::Report], others: &[Ask::Open], ..Scene::PLAIN },
        AT_MOST_ONCE,
    );
}

#[test]
fn rule_6_with_two_receivers_what_one_refused_takes_effect_at_the_other() {
    let rules = Rules { one_receiver: false, ..Rules::ALL };
    let scene =
        Scene { genesis: Genesis::Closed, commands: &[Ask::Report], others: &[Ask::Open], attempts: 1, ..Scene::PLAIN };
    finds("6, two receivers", rules, scene, REFUSED_IS_NEVER_STORED);
}

#[test]
fn rule_7_without_expiry_an_old_attempt_takes_effect_after_the_refusal() {
    let rules = Rules { expiry_is_checked: false, ..Rules::ALL };
    let scene = Scene { genesis: Genesis::Closed, commands: &[Ask::Report], others: &[Ask::Open], ..Scene::PLAIN };
    finds("7, expiry", rules, scene, REFUSED_IS_NEVER_STORED);
}

#[test]
fn rule_7_a_refusal_beside_an_open_attempt_is_not_final() {
    let rules = Rules { final_when_alone: false, ..Rules::ALL };
    let scene = Scene { genesis: Genesis::Closed, commands: &[Ask::Report], others: &[Ask::Open], ..Scene::PLAIN };
    finds("7, final too soon", rules, scene, REFUSED_IS_NEVER_STORED);
}

#[test]
fn rule_7_a_refusal_that_hangs_on_beats_is_not_final_beside_an_attempt_of_unknown_outcome() {
    let rules = Rules { still_live_waits: false, ..Rules::ALL };
    let scene = Scene { commands: &[Ask::Expired], beats: true, ..Scene::PLAIN };
    finds("7, still live", rules, scene, REFUSED_IS_NEVER_STORED);
}

#[test]
fn rule_7_another_gateway_refuses_while_the_attempt_of_the_first_is_open() {
    let rules = Rules { repeat_after_expiry: false, ..Rules::ALL };
    let scene = Scene {
        genesis: Genesis::Closed,
        commands: &[Ask::Report],
        others: &[Ask::Open],
        attempts: 1,
        gateways: 2,
        ..Scene::PLAIN
    };
    finds("7, another gateway", rules, scene, REFUSED_IS_NEVER_STORED);
}
