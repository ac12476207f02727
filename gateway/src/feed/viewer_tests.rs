//! What a viewer is told, frame by frame.

use super::*;
use crate::feed::{
    board::{Memory, Stale},
    model::{Client, Gateway, Log, at, station},
};

const EXPIRES_MS: u64 = 3_600_000;

fn opening(mode: Mode) -> Opening {
    let auth_expires_at = at(EXPIRES_MS).wall;
    Opening {
        mode,
        filter: Filter::default(),
        after: None,
        pause: FLUSH_EVERY,
        auth_expires_at,
        transport: Transport::WebSocket,
        lot: 0.25,
    }
}

/// Takes frames until there are none: their types.
fn drain(viewer: &mut Viewer, board: &Board, now: Now) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    loop {
        match viewer.step(board, now) {
            Step::Send(frame) => kinds.push(frame.kind),
            Step::End(frame) => {
                kinds.push(frame.kind);
                return kinds;
            }
            Step::Wait { .. } => return kinds,
        }
    }
}

fn end(step: Step) -> String {
    match step {
        Step::End(frame) => frame.json,
        other => panic!("not the end: {other:?}"),
    }
}

fn one_session() -> (Log, Gateway) {
    let mut log = Log::default();
    log.open(1, 1);
    let mut gateway = Gateway::new(Memory::default());
    gateway.follow(&log);
    (log, gateway)
}

#[test]
fn a_start_is_hello_and_snapshot_and_nothing_more() {
    let (_, gateway) = one_session();
    let mut viewer = Viewer::new(opening(Mode::Latest), at(0));
    assert_eq!(drain(&mut viewer, &gateway.board, at(0)), ["hello", "snapshot"]);
    let Step::Wait { until, or_change } = viewer.step(&gateway.board, at(0)) else { panic!("nothing has changed") };
    assert!(or_change);
    assert_eq!(until, at(15_000).at, "the first ping");
}

#[test]
fn changes_within_a_pause_travel_together() {
    let (mut log, mut gateway) = one_session();
    let mut viewer = Viewer::new(opening(Mode::Latest), at(0));
    drain(&mut viewer, &gateway.board, at(0));
    log.status(1, "fault");
    gateway.follow(&log);
    assert_eq!(drain(&mut viewer, &gateway.board, at(100)), ["delta"], "the first goes at once");
    log.status(1, "setup");
    log.status(1, "production");
    gateway.follow(&log);
    let Step::Wait { until, or_change } = viewer.step(&gateway.board, at(103)) else { panic!("a pause is held") };
    assert_eq!((until, or_change), (at(110).at, false));
    let Step::Send(frame) = viewer.step(&gateway.board, at(110)) else { panic!("the pause is over") };
    assert!(frame.json.contains("\"merged\":2") && frame.json.contains("\"production\""), "{}", frame.json);
}

#[test]
fn who_wants_every_change_gets_each_or_one_gap_and_their_sum() {
    let (mut log, _) = one_session();
    let mut gateway = Gateway::new(Memory { changes: 3, tombstones: 10 });
    gateway.follow(&log);
    let mut viewer = Viewer::new(opening(Mode::Every), at(0));
    drain(&mut viewer, &gateway.board, at(0));
    for code in ["fault", "setup", "fault"] {
        log.status(1, code);
    }
    gateway.follow(&log);
    assert_eq!(drain(&mut viewer, &gateway.board, at(1)), ["delta"; 3]);
    for code in ["fault", "setup", "fault", "setup"] {
        log.status(1, code);
    }
    gateway.follow(&log);
    assert_eq!(drain(&mut viewer, &gateway.board, at(2)), ["gap", "delta"]);
}

#[test]
fn leaving_the_filter_is_told_and_what_stays_outside_is_not() {
    let (mut log, mut gateway) = one_session();
    let filter = Filter::new(vec![], vec!["fault".parse().unwrap()], None);
    let mut viewer = Viewer::new(Opening { filter, ..opening(Mode::Latest) }, at(0));
    drain(&mut viewer, &gateway.board, at(0));
    let mut told = |log: &mut Log, code: &str, ms: u64| {
        log.status(1, code);
        gateway.follow(log);
        match viewer.step(&gateway.board, at(ms)) {
            Step::Send(frame) => frame.json,
            _ => String::new(),
        }
    };
    assert!(told(&mut log, "fault", 100).contains("\"current_status\":\"fault\""));
    assert!(told(&mut log, "setup", 200).contains("\"why\":\"filtered\""));
    assert_eq!(told(&mut log, "production", 300), "", "it was not there");
}

#[test]
fn a_cursor_that_cannot_be_gone_on_with_is_told_why() {
    let (_, gateway) = one_session();
    let good = Cursor { epoch: gateway.board.epoch(), seq: 1, filter: 0 };
    let other = Epoch::new(TimeUs::from_micros(1), 0);
    let cases = [
        (&gateway.board, Err(NotACursor), "CURSOR_UNREADABLE"),
        (&gateway.board, Ok(Cursor { epoch: other, ..good }), "OTHER_LOG"),
        (&gateway.board, Ok(Cursor { filter: 1, ..good }), "OTHER_FILTER"),
        (&gateway.board, Ok(Cursor { seq: 2, ..good }), "CURSOR_AHEAD"),
    ];
    for (board, after, reason) in cases {
        let mut viewer = Viewer::new(Opening { after: Some(after), ..opening(Mode::Latest) }, at(0));
        let Step::Send(hello) = viewer.step(board, at(0)) else { panic!("hello comes first") };
        assert!(hello.json.contains("\"resumed\":false"));
        let Step::Send(reset) = viewer.step(board, at(0)) else { panic!("then why") };
        assert!(reset.json.contains(reason), "{}", reset.json);
        assert_eq!(drain(&mut viewer, board, at(0)), ["snapshot"]);
    }
}

#[test]
fn a_cursor_from_before_what_is_remembered_is_too_old_until_the_past_has_been_read() {
    let mut log = Log::default();
    log.open(1, 1);
    log.open(2, 1);
    log.close(1);
    let mut gateway = Gateway::new(Memory::default());
    gateway.restart(&log);
    let after = Some(Ok(Cursor { epoch: gateway.board.epoch(), seq: 2, filter: 0 }));
    let start = |board: &Board| {
        let mut viewer = Viewer::new(Opening { after, ..opening(Mode::Latest) }, at(0));
        drain(&mut viewer, board, at(0))
    };
    assert_eq!(start(&gateway.board), ["hello", "reset", "snapshot"]);
    gateway.look_back(&log, 10);
    assert_eq!(start(&gateway.board), ["hello", "delta"]);
}

#[test]
fn a_token_is_announced_to_end_and_its_end_has_no_grace() {
    let (_, gateway) = one_session();
    let mut viewer = Viewer::new(Opening { transport: Transport::Sse, ..opening(Mode::Latest) }, at(0));
    drain(&mut viewer, &gateway.board, at(0));
    let soon = EXPIRES_MS - 59_000;
    assert!(drain(&mut viewer, &gateway.board, at(soon)).contains(&"auth"));
    assert!(!drain(&mut viewer, &gateway.board, at(soon + 1)).contains(&"auth"), "once");
    let mut renewed = Viewer::new(opening(Mode::Latest), at(soon));
    renewed.renewed(at(2 * EXPIRES_MS).wall);
    assert!(matches!(renewed.step(&gateway.board, at(soon)), Step::Send(_)));
    assert!(end(viewer.step(&gateway.board, at(EXPIRES_MS))).contains("4001"));
}

#[test]
fn a_client_that_answers_no_ping_is_gone_and_one_that_cannot_is_not() {
    let (_, gateway) = one_session();
    let mut silent = Viewer::new(opening(Mode::Latest), at(0));
    let mut deaf = Viewer::new(Opening { transport: Transport::Sse, ..opening(Mode::Latest) }, at(0));
    let mut alive = Viewer::new(opening(Mode::Latest), at(0));
    alive.heard(at(30_000));
    assert!(end(silent.step(&gateway.board, at(40_001))).contains("4103"));
    assert!(matches!(deaf.step(&gateway.board, at(40_001)), Step::Send(_)));
    assert!(matches!(alive.step(&gateway.board, at(40_001)), Step::Send(_)));
}

#[test]
fn a_lost_log_is_told_and_its_return_after_what_was_missed() {
    let (mut log, mut gateway) = one_session();
    let mut viewer = Viewer::new(Opening { transport: Transport::Sse, ..opening(Mode::Latest) }, at(0));
    drain(&mut viewer, &gateway.board, at(0));
    gateway.board.set_stale(Some(Stale { since: at(1_000).wall, at: at(1_000).at }));
    assert_eq!(drain(&mut viewer, &gateway.board, at(4_000)), ["stale"]);
    assert_eq!(drain(&mut viewer, &gateway.board, at(5_000)), [""; 0], "once");
    log.status(1, "fault");
    gateway.follow(&log);
    gateway.board.set_stale(None);
    assert_eq!(drain(&mut viewer, &gateway.board, at(6_000)), ["delta", "fresh"]);
    gateway.board.set_stale(Some(Stale { since: at(7_000).wall, at: at(7_000).at }));
    let bye = end(viewer.step(&gateway.board, at(37_001)));
    assert!(bye.contains("LOG_UNREACHABLE") && bye.contains("\"retry_in_ms\":1250"), "{bye}");
}

#[test]
fn a_cut_that_is_not_taken_is_given_up() {
    let mut log = Log::fat(30_000);
    (0..9).for_each(|worker| log.open(worker, 1));
    let mut gateway = Gateway::new(Memory::default());
    gateway.follow(&log);
    let mut viewer = Viewer::new(Opening { transport: Transport::Sse, ..opening(Mode::Latest) }, at(0));
    for _ in 0..2 {
        assert!(matches!(viewer.step(&gateway.board, at(0)), Step::Send(_)));
    }
    assert!(end(viewer.step(&gateway.board, at(120_001))).contains("4102"));
}

#[test]
fn returns_are_dealt_over_the_window_and_the_first_reason_counts() {
    let (_, gateway) = one_session();
    let mut viewer = Viewer::new(opening(Mode::Latest), at(0));
    viewer.drain();
    viewer.end(Bye::Revoked);
    let bye = end(viewer.step(&gateway.board, at(0)));
    assert!(bye.contains("4100") && bye.contains("\"retry_in_ms\":1250"), "{bye}");
}

#[test]
fn another_log_sends_everybody_back_to_the_start() {
    let (_, mut gateway) = one_session();
    let mut viewer = Viewer::new(opening(Mode::Latest), at(0));
    drain(&mut viewer, &gateway.board, at(0));
    gateway.board.set_epoch(Epoch::new(TimeUs::from_micros(1), 1));
    assert!(end(viewer.step(&gateway.board, at(1))).contains("4200"));
}

#[test]
fn signs_of_life_travel_with_pings_alone() {
    let mut log = Log::default();
    (0..2_500).for_each(|worker| log.open(worker, 1));
    let mut gateway = Gateway::new(Memory::default());
    gateway.follow(&log);
    let mut viewer = Viewer::new(Opening { transport: Transport::Sse, ..opening(Mode::Latest) }, at(0));
    let mut client = Client::default();
    let mut take = |viewer: &mut Viewer, board: &Board, ms: u64| {
        let mut kinds = Vec::new();
        while let Step::Send(frame) = viewer.step(board, at(ms)) {
            kinds.push(frame.kind);
            client.take(&frame, &log, &Filter::default(), false);
        }
        (kinds, std::mem::take(&mut client.seen).len())
    };
    take(&mut viewer, &gateway.board, 0);
    for live in log.messages.iter().flatten() {
        live.live.seen(at(9_000).wall);
    }
    gateway.board.list_seen();
    assert_eq!(take(&mut viewer, &gateway.board, 10_000), (vec![], 0));
    assert_eq!(take(&mut viewer, &gateway.board, 15_000), (vec!["ping"; 3], 2_500));
    gateway.board.list_seen();
    assert_eq!(take(&mut viewer, &gateway.board, 30_000), (vec!["ping"], 0), "nothing new");
    // one that comes later is told what the states it was given do not say
    let mut later = Viewer::new(Opening { transport: Transport::Sse, ..opening(Mode::Latest) }, at(31_000));
    take(&mut later, &gateway.board, 31_000);
    assert_eq!(take(&mut later, &gateway.board, 46_000).1, 2_500);
}

#[test]
fn another_filter_is_answered_with_a_snapshot_of_it() {
    let (mut log, mut gateway) = one_session();
    log.open(2, 2);
    gateway.follow(&log);
    let mut viewer = Viewer::new(opening(Mode::Latest), at(0));
    drain(&mut viewer, &gateway.board, at(0));
    let filter = Filter::new(vec![station(2)], vec![], None);
    viewer.see(filter.clone(), &gateway.board, at(1));
    let Step::Send(frame) = viewer.step(&gateway.board, at(1)) else { panic!("a snapshot") };
    Client::default().take(&frame, &log, &filter, false);
    viewer.refuse("INVALID_FILTER", "unknown station");
    assert_eq!(drain(&mut viewer, &gateway.board, at(2)), ["error"]);
}

#[test]
fn a_viewer_is_small() {
    // Thousands of them wait most of the time: with its task and its socket in the system each is to stay below 8 KB.
    assert!(size_of::<Viewer>() <= 384, "{} bytes", size_of::<Viewer>());
}
