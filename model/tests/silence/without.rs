//! Each rule left out, and what goes wrong then: the counterexamples in the brackets of `docs/protocol.md`.

use andon_model::{
    explore::visit_until,
    silence::{
        Behind, CLOSED_IN_TIME, Closes, Lost, NOT_AFTER_OK, NOT_BY_STALE, NOT_STEADY, NOT_WHILE_HEARD, Rules, Scene,
        Silence, SilentGateway,
    },
};

/// Visits states until `property` is violated: it must be.
fn finds(name: &str, rules: Rules, scene: Scene, property: &'static str) {
    let visit = visit_until(name, Silence { rules, scene }, property);
    assert!(visit.way_to(property).is_some(), "{name}: no counterexample in {} states", visit.states());
}

#[test]
fn rule_9_without_following_a_late_open_is_never_closed() {
    let rules = Rules { follows: false, ..Rules::ALL };
    let scene = Scene { open_is_late: true, moves: 1, turns: 1, steps: 14, ..Scene::CALM };
    finds("9, follows", rules, scene, CLOSED_IN_TIME);
}

#[test]
fn rule_11_a_gateway_that_missed_a_claim_looks_healthy() {
    let rules = Rules { behind: Behind::Ignored, needs_head: false, ..Rules::ALL };
    finds("11, missed claim", rules, Scene { blind: 1, moves: 1, ..Scene::CALM }, NOT_STEADY);
}

#[test]
fn rule_11_a_gateway_cut_from_the_owner_says_ok_to_beats_nobody_hears() {
    let rules = Rules { needs_answer: false, ..Rules::ALL };
    finds("11, cut", rules, Scene { cuts: 1, ..Scene::CALM }, NOT_STEADY);
}

#[test]
fn rule_12_with_own_timers_a_suspended_owner_closes_before_it_reads_its_socket() {
    let rules = Rules { echo: false, ..Rules::ALL };
    finds("12, timers", rules, Scene { suspensions: 1, ..Scene::CALM }, NOT_WHILE_HEARD);
}

#[test]
fn rule_13_without_the_gap_of_a_take_over_the_next_owner_closes_who_is_there() {
    let rules = Rules { take_over_is_gap: false, ..Rules::ALL };
    finds("13, take-over", rules, Scene { moves: 1, ..Scene::CALM }, NOT_WHILE_HEARD);
}

#[test]
fn rule_13_a_reconnect_that_goes_unnoticed_closes_who_was_there() {
    // That batches were lost shows with the next one: too late for a close that is decided before it comes.
    let rules = Rules { reconnect_is_gap: false, ..Rules::ALL };
    let scene = Scene { suspensions: 1, outages: 1, turns: 3, steps: 14, ..Scene::CALM };
    finds("13, reconnect", rules, scene, NOT_WHILE_HEARD);
}

#[test]
fn rule_13_lost_batches_as_a_gap_of_the_gateway_alone_close_who_had_just_come_to_it() {
    let rules = Rules { lost: Lost::GatewayGap, ..Rules::ALL };
    finds("13, lost", rules, Scene { gateways: 2, cuts: 2, idle: 8, steps: 16, ..Scene::CALM }, NOT_AFTER_OK);
}

#[test]
fn rule_13_by_the_time_it_was_decided_a_late_open_is_overdue_at_once() {
    let rules = Rules { stream_time: false, ..Rules::ALL };
    let scene = Scene { open_is_late: true, moves: 1, steps: 14, ..Scene::CALM };
    finds("13, stream time", rules, scene, NOT_WHILE_HEARD);
}

#[test]
fn rule_13_a_silent_gateway_ignored_closes_who_came_back() {
    let rules = Rules { silent_gateway: SilentGateway::Ignored, ..Rules::ALL };
    finds("13, ignored", rules, Scene { idle: 8, steps: 14, cuts: 1, ..Scene::CALM }, NOT_AFTER_OK);
}

#[test]
fn rule_13_a_silent_gateway_with_grace_on_top_closes_too_late() {
    let rules = Rules { silent_gateway: SilentGateway::Grace, ..Rules::ALL };
    finds("13, added grace", rules, Scene { losses: 1, steps: 14, ..Scene::CALM }, CLOSED_IN_TIME);
}

#[test]
fn rule_14_decided_suspended_and_then_sent_closes_who_came_back() {
    let rules = Rules { closes: Closes::Sent, ..Rules::ALL };
    finds("14, sent", rules, Scene { suspensions: 1, ..Scene::CALM }, NOT_WHILE_HEARD);
}

#[test]
fn rule_14_the_renewal_alone_does_not_help_a_single_owner() {
    let rules = Rules { closes: Closes::RenewalOnly, ..Rules::ALL };
    finds("14, renewal only", rules, Scene { suspensions: 1, ..Scene::CALM }, NOT_WHILE_HEARD);
}

#[test]
fn rule_14_a_staged_close_looked_at_again_without_gaps_closes_who_came_back() {
    let rules = Rules { closes: Closes::BeatsOnly, ..Rules::ALL };
    finds("14, beats only", rules, Scene { suspensions: 1, ..Scene::CALM }, NOT_WHILE_HEARD);
}

#[test]
fn rule_14_without_the_renewal_a_stale_owner_closes() {
    let rules = Rules { closes: Closes::StagedAlone, ..Rules::ALL };
    finds("14, no renewal", rules, Scene { suspensions: 1, moves: 1, ..Scene::CALM }, NOT_BY_STALE);
}
