//! Tests of the attempts: each rule by example, and all of them against owners that do the worst they may.

use proptest::prelude::*;

use super::*;

const START: TimeUs = TimeUs::from_micros(1_000_000_000);

fn at(ms: u64) -> TimeUs {
    START.after(Duration::from_millis(ms))
}

#[test]
fn a_refusal_of_the_only_attempt_is_final() {
    let mut attempts = Attempts::new(at(0), false);
    let first = attempts.send(at(0));
    assert_eq!(attempts.answered(first, Answer::NoEffect, at(3)), Next::Final);
}

#[test]
fn a_refusal_beside_an_open_attempt_is_asked_again_when_that_one_has_expired() {
    let mut attempts = Attempts::new(at(0), false);
    let first = attempts.send(at(0));
    assert!(matches!(attempts.answered(first, Answer::Unknown, at(10)), Next::Again { .. }));
    let second = attempts.send(at(30));
    assert_eq!(attempts.answered(second, Answer::NoEffect, at(33)), Next::Again { at: at(1_500) });
    let third = attempts.send(at(1_500));
    assert_eq!(attempts.answered(third, Answer::NoEffect, at(1_503)), Next::Final);
}

#[test]
fn any_ok_wins_over_open_attempts() {
    let mut attempts = Attempts::new(at(0), false);
    let first = attempts.send(at(0));
    attempts.answered(first, Answer::Unknown, at(10));
    let second = attempts.send(at(30));
    assert_eq!(attempts.answered(second, Answer::Stored, at(33)), Next::Final);
}

#[test]
fn still_live_beside_an_unknown_attempt_is_outcome_unknown_even_after_its_expiry() {
    let mut attempts = Attempts::new(at(0), false);
    let first = attempts.send(at(0));
    attempts.answered(first, Answer::Unknown, at(1_500));
    let second = attempts.send(at(2_000));
    let next = attempts.answered(second, Answer::StillLive, at(2_003));
    assert_eq!(next, Next::GiveUp { at: at(2_003), verdict: Verdict::OutcomeUnknown });
}

#[test]
fn still_live_of_attempts_that_were_all_answered_is_final() {
    let mut attempts = Attempts::new(at(0), false);
    let first = attempts.send(at(0));
    attempts.answered(first, Answer::Elsewhere, at(5));
    let second = attempts.send(at(30));
    assert_eq!(attempts.answered(second, Answer::StillLive, at(33)), Next::Final);
}

#[test]
fn without_anybody_the_verdict_is_no_owner_and_with_an_open_attempt_unknown_after_it_expired() {
    let mut attempts = Attempts::new(at(0), false);
    let first = attempts.send(at(9_900));
    assert_eq!(
        attempts.answered(first, Answer::Elsewhere, at(10_000)),
        Next::GiveUp { at: at(10_000), verdict: Verdict::NoOwner }
    );
    let mut attempts = Attempts::new(at(0), false);
    let first = attempts.send(at(9_900));
    assert_eq!(
        attempts.answered(first, Answer::Unknown, at(10_000)),
        Next::GiveUp { at: at(11_400), verdict: Verdict::OutcomeUnknown }
    );
}

#[test]
fn an_owner_without_room_until_the_deadline_is_busy() {
    let mut attempts = Attempts::new(at(0), false);
    let first = attempts.send(at(9_999));
    assert_eq!(
        attempts.answered(first, Answer::Busy, at(10_000)),
        Next::GiveUp { at: at(10_000), verdict: Verdict::Busy }
    );
}

#[test]
fn a_command_that_only_reads_is_never_unknown() {
    let mut attempts = Attempts::new(at(0), true);
    let first = attempts.send(at(0));
    attempts.answered(first, Answer::Unknown, at(1_500));
    let second = attempts.send(at(1_520));
    assert_eq!(attempts.answered(second, Answer::NoEffect, at(1_523)), Next::Final);
    assert_eq!(attempts.open_until(), None);
}

#[test]
fn a_named_deadline_is_waited_for() {
    let mut attempts = Attempts::new(at(0), false);
    let first = attempts.send(at(0));
    assert_eq!(attempts.answered(first, Answer::Wait(at(3_000)), at(2)), Next::Again { at: at(3_000) });
    let second = attempts.send(at(3_000));
    // A deadline in the past must not become a busy loop, one far away no endless wait.
    assert_eq!(attempts.answered(second, Answer::Wait(at(0)), at(3_002)), Next::Again { at: at(3_022) });
    let third = attempts.send(at(3_022));
    assert_eq!(attempts.answered(third, Answer::Wait(at(60_000)), at(3_030)), Next::Again { at: at(9_030) });
}

#[test]
fn pauses_grow_and_stay_short() {
    let mut attempts = Attempts::new(at(0), false);
    let mut now = at(0);
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let sent = attempts.send(now);
        let Next::Again { at: next } = attempts.answered(sent, Answer::Elsewhere, now) else { break };
        assert!(next > now);
        longest = longest.max(next.since(now));
        now = next;
    }
    assert_eq!(longest, PAUSE_MAX);
}

#[test]
fn a_node_that_has_just_taken_the_partition_is_asked_often_for_about_a_second() {
    // given a command whose pauses have become long
    let mut attempts = Attempts::new(at(0), false);
    let mut now = at(0);
    let mut pause = |attempts: &mut Attempts| {
        let sent = attempts.send(now);
        let Next::Again { at: next } = attempts.answered(sent, Answer::Busy, now) else { panic!("the deadline") };
        let pause = next.since(now);
        now = next;
        pause
    };
    let grown: Vec<Duration> = (0..6).map(|_| pause(&mut attempts)).collect();
    assert!(grown.is_sorted() && grown.last() == Some(&PAUSE_MAX), "{grown:?}");

    // when another node takes the partition
    attempts.moved();
    let pauses: Vec<Duration> = (0..u64::from(PAUSES_TAKEN)).map(|_| pause(&mut attempts)).collect();

    // then it is asked often at first, and like any other node afterwards
    assert!(pauses.iter().all(|pause| *pause <= PAUSE_TAKEN_MAX), "{pauses:?}");
    assert!((900..1_200).contains(&pauses.iter().sum::<Duration>().as_millis()), "{pauses:?}");
    assert_eq!(pause(&mut attempts), PAUSE_MAX);
}

/// What an owner does with one attempt.
#[derive(Clone, Debug)]
struct Fate {
    /// When the attempt is decided, in ms after it was sent; beyond the expiry as the owner's clock sees it: never.
    decided_after_ms: u64,
    /// How far the owner's clock is behind log time, in ms: it takes expired attempts for open ones.
    clock_behind_ms: u64,
    /// What it says if nothing is stored yet.
    accepts: bool,
    hangs_on_clock: bool,
    /// Whether its answer arrives.
    answer_arrives: bool,
}

fn fate() -> impl Strategy<Value = Fate> {
    (0..3_000_u64, 0..=499_u64, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(decided_after_ms, clock_behind_ms, accepts, hangs_on_clock, answer_arrives)| Fate {
            decided_after_ms,
            clock_behind_ms,
            accepts,
            hangs_on_clock,
            answer_arrives,
        },
    )
}

/// Owners as the protocol allows them: each attempt is decided at most once, before it expires by the owner's clock,
/// on the newest state (the leader read of rule 3); a stored command answers "stored" from then on (the ring).
struct World {
    decisions: Vec<(TimeUs, Fate)>,
}

impl World {
    /// When the command is stored: the first accepting decision, ever.
    fn stored_at(&self) -> Option<TimeUs> {
        self.decisions.iter().filter(|(_, fate)| fate.accepts).map(|(at, _)| *at).min()
    }

    fn decide(&mut self, sent: Sent, fate: &Fate) -> Option<TimeUs> {
        let at = sent.at.after(Duration::from_millis(fate.decided_after_ms));
        let last = sent.expires_at.after(Duration::from_millis(fate.clock_behind_ms));
        (at < last).then(|| {
            self.decisions.push((at, fate.clone()));
            at
        })
    }

    fn says(&self, at: TimeUs, fate: &Fate) -> Answer {
        match self.stored_at() {
            Some(stored) if stored <= at => Answer::Stored,
            _ if fate.hangs_on_clock => Answer::StillLive,
            _ => Answer::NoEffect,
        }
    }
}

proptest! {
    #[test]
    fn what_is_said_is_true_for_ever(fates in prop::collection::vec(fate(), 64)) {
        let mut attempts = Attempts::new(START, false);
        let mut world = World { decisions: Vec::new() };
        let mut now = START;
        let mut said = None;
        for fate in &fates {
            let sent = attempts.send(now);
            let decided = world.decide(sent, fate);
            let waited = sent.at.after(ATTEMPT_EXPIRY + EXPIRY_MARGIN);
            let (answer, heard) = match decided {
                Some(at) if fate.answer_arrives && at < waited => (world.says(at, fate), at),
                _ => (Answer::Unknown, now.after(Duration::from_millis(fate.decided_after_ms)).min(waited)),
            };
            now = heard;
            match attempts.answered(sent, answer, now) {
                Next::Final => { said = Some(answer); break }
                Next::Again { at } => now = now.max(at),
                Next::GiveUp { at, verdict } => {
                    // Sent only after the last attempt has expired by every clock: nothing is decided later.
                    prop_assert!(world.decisions.iter().all(|(decided, _)| *decided <= at.max(now)));
                    if verdict != Verdict::OutcomeUnknown {
                        prop_assert_eq!(world.stored_at(), None, "said without effect: {:?}", verdict);
                    }
                    return Ok(());
                }
            }
        }
        match said {
            Some(Answer::Stored) => prop_assert!(world.stored_at().is_some()),
            Some(_) => prop_assert_eq!(world.stored_at(), None, "refused, and stored"),
            None => prop_assert!(false, "neither an answer nor an end"),
        }
    }
}
