//! When a session is silent for too long (protocol rules 11 to 13). Pure: times come in, deadlines go out.
//!
//! Silence counts only while the owner could hear. Three things are kept: whether the node hears at all ([`Hearing`],
//! by the echo), how each gateway is heard ([`Gateway`]), and when a partition was taken over. [`deadline`] puts them
//! together.

use std::{collections::BTreeMap, time::Duration};

use crate::clock::Mono;

/// An echo that is not back after this is missed: a gap (rule 13).
pub const ECHO_LATE: Duration = Duration::from_secs(2);
/// More than this between two echoes is a gap (rule 13).
pub const ECHO_APART: Duration = Duration::from_secs(3);
/// Silence of a gateway counts from this, or half the idle time when that is less (rule 13).
const GATEWAY_SILENT: Duration = Duration::from_secs(5);
/// Echoes on their way that are remembered; one a second, so the older ones are lost.
const ECHOES_MAX: usize = 64;

/// What must hold for the node to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ears {
    /// Connected to NATS.
    pub connected: bool,
    /// The follower of the log has reached its head and was not interrupted since.
    pub following: bool,
    /// Goes up with every reconnect, dropped message and interruption.
    pub epoch: u64,
}

/// Whether this node hears (rules 12 and 13).
#[derive(Debug)]
pub struct Hearing {
    sent: BTreeMap<u64, (Mono, u64)>,
    next_number: u64,
    /// When the last echo came back, and the epoch then.
    last_return: Option<(Mono, u64)>,
    deaf_since: Option<Mono>,
    gap_end: Mono,
    deaf_total: Duration,
}

/// What the return of an echo says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    /// When it was sent: deadlines are checked against this time (rule 12).
    pub sent_at: Mono,
    /// Whether decisions are allowed: it came in time, and nothing was missed since it was sent.
    pub hears: bool,
}

impl Hearing {
    /// A node that has just arrived: until its first echo it has heard nothing.
    #[must_use]
    pub const fn new(now: Mono) -> Self {
        Self {
            sent: BTreeMap::new(),
            next_number: 1,
            last_return: None,
            deaf_since: Some(now),
            gap_end: now,
            deaf_total: Duration::ZERO,
        }
    }

    /// An echo is about to be sent; returns its number.
    pub fn send(&mut self, now: Mono, ears: Ears) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.sent.insert(number, (now, ears.epoch));
        while self.sent.len() > ECHOES_MAX {
            self.sent.pop_first();
        }
        number
    }

    /// An echo has come back; `None` for one that was not sent or is too old to tell.
    pub fn returned(&mut self, number: u64, now: Mono, ears: Ears) -> Option<Returned> {
        let (sent_at, epoch) = self.sent.remove(&number)?;
        let late = now.since(sent_at) > ECHO_LATE;
        let whole = ears.connected && ears.following && ears.epoch == epoch;
        let last = self.last_return.replace((now, ears.epoch));
        // Most reconnects are over before the next echo is sent: it alone would tell of none.
        let missed = last.is_some_and(|(last, epoch)| now.since(last) > ECHO_APART || ears.epoch != epoch);
        if late || missed || !whole {
            self.deaf_since.get_or_insert(last.map_or(sent_at, |(last, _)| last));
        }
        if let Some(since) = self.deaf_since {
            // The gap ends with this echo when subscription and recovery are both complete.
            self.gap_end = now;
            if whole && !late {
                self.deaf_since = None;
                self.deaf_total += now.since(since);
            }
            return Some(Returned { sent_at, hears: false });
        }
        Some(Returned { sent_at, hears: true })
    }

    /// A gateway's batches were lost on their way to this node: a gap of the node, because nobody knows whose beats were
    /// in them. A session may never have been heard through that gateway before.
    pub fn lost(&mut self, now: Mono) {
        self.gap_end = self.gap_end.max(now);
    }

    /// The end of the last gap; while one lasts, the last moment it was known to last. A staged close is only committed
    /// when it has not moved since (rule 14).
    #[must_use]
    pub const fn gap_end(&self) -> Mono {
        self.gap_end
    }

    /// Whether the node could hear until a moment ago: no gap lasts, and none shows in the echo's absence. A deadline is
    /// worth something only then; after a suspension this is known before the echo comes.
    #[must_use]
    pub fn hears(&self, now: Mono) -> bool {
        !self.is_deaf() && self.last_return.is_some_and(|(last, _)| now.since(last) <= ECHO_APART)
    }

    /// Whether a gap lasts.
    #[must_use]
    pub const fn is_deaf(&self) -> bool {
        self.deaf_since.is_some()
    }

    /// Time in gaps so far, without one that lasts.
    #[must_use]
    pub const fn deaf_total(&self) -> Duration {
        self.deaf_total
    }
}

/// How a gateway is heard (rule 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its last batch.
    pub last_batch: Mono,
    /// When it was last heard again after a silence or an old claim.
    pub gap_end: Mono,
    counter: u64,
    behind: bool,
}

impl Gateway {
    /// A gateway of which nothing was heard yet: the first batch is number 1.
    #[must_use]
    pub const fn new(now: Mono) -> Self {
        Self { last_batch: now, gap_end: now, counter: 0, behind: false }
    }

    /// A batch of it has come; returns whether some were lost before it ([`Hearing::lost`]).
    ///
    /// `newest_claim_seq` is what it says of the claims when the batch is a roll call, `our_claim_seq` the newest claim
    /// this node has taken: a gateway that has not seen it sends its workers' beats to the former owner (rule 11).
    pub fn heard(
        &mut self,
        now: Mono,
        counter: u64,
        newest_claim_seq: Option<u64>,
        our_claim_seq: u64,
        idle: Duration,
    ) -> bool {
        let silent = now.since(self.last_batch) > silent_after(idle);
        let lost = counter != self.counter.wrapping_add(1);
        if let Some(newest) = newest_claim_seq {
            let was_behind = self.behind;
            self.behind = newest < our_claim_seq;
            if was_behind && !self.behind {
                self.gap_end = now;
            }
        }
        if silent || self.behind {
            self.gap_end = now;
        }
        self.counter = counter;
        self.last_batch = now;
        lost
    }

    fn is_silent(&self, now: Mono, idle: Duration) -> bool {
        now.since(self.last_batch) > silent_after(idle)
    }
}

fn silent_after(idle: Duration) -> Duration {
    GATEWAY_SILENT.min(idle / 2)
}

/// When a session last seen then, through that gateway, is silent for too long (rule 13). Idle closes are due
/// [`bus_schemas::limits::BEAT_ALLOWANCE`] after it.
#[must_use]
pub fn deadline(
    last_seen: Mono,
    gateway: Option<&Gateway>,
    node_gap_end: Mono,
    partition_gap_end: Mono,
    now: Mono,
    idle: Duration,
) -> Mono {
    // Grace is the idle time itself: after a gap, silence starts to count anew.
    let mut from = last_seen.max(node_gap_end).max(partition_gap_end);
    if let Some(gateway) = gateway {
        from = from.max(gateway.gap_end);
        if gateway.is_silent(now, idle) {
            // It may hold beats nobody has heard; no further grace, or a dead gateway's sessions close too late.
            from = from.max(gateway.last_batch);
        }
    }
    from.after(idle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(300);
    const GOOD: Ears = Ears { connected: true, following: true, epoch: 7 };

    fn at(seconds: u64) -> Mono {
        Mono::from_micros(1_000_000_000).after(Duration::from_secs(seconds))
    }

    fn echo(hearing: &mut Hearing, sent: Mono, back: Mono, ears: Ears) -> Returned {
        let number = hearing.send(sent, ears);
        hearing.returned(number, back, ears).unwrap()
    }

    fn hearing_since(seconds: u64) -> Hearing {
        let mut hearing = Hearing::new(at(0));
        echo(&mut hearing, at(seconds), at(seconds), GOOD);
        hearing
    }

    #[test]
    fn rule_12_the_first_echo_ends_the_gap_of_arriving_and_the_next_may_decide() {
        let mut hearing = Hearing::new(at(0));
        assert!(hearing.is_deaf() && !hearing.hears(at(0)));
        assert!(!echo(&mut hearing, at(1), at(1), GOOD).hears);
        assert_eq!(hearing.gap_end(), at(1));
        let second = echo(&mut hearing, at(2), at(2), GOOD);
        assert_eq!(second, Returned { sent_at: at(2), hears: true });
        assert_eq!(hearing.gap_end(), at(1));
    }

    #[test]
    fn rule_13_a_late_echo_is_a_gap_that_the_next_punctual_one_ends() {
        let mut hearing = hearing_since(1);
        assert!(!echo(&mut hearing, at(2), at(5), GOOD).hears);
        assert!(hearing.is_deaf());
        assert!(!echo(&mut hearing, at(6), at(6), GOOD).hears);
        assert_eq!((hearing.gap_end(), hearing.is_deaf()), (at(6), false));
        assert!(echo(&mut hearing, at(7), at(7), GOOD).hears);
    }

    #[test]
    fn rule_13_a_suspension_between_two_echoes_is_a_gap() {
        let mut hearing = hearing_since(1);
        assert!(hearing.hears(at(4)));
        // Suspended for ten minutes; the echo sent afterwards is punctual.
        assert!(!hearing.hears(at(601)), "known before the echo comes");
        assert!(!echo(&mut hearing, at(601), at(601), GOOD).hears);
        assert_eq!(hearing.gap_end(), at(601));
        assert!(echo(&mut hearing, at(602), at(602), GOOD).hears);
    }

    #[test]
    fn rule_13_a_reconnect_between_sending_and_return_is_a_gap() {
        let mut hearing = hearing_since(1);
        let number = hearing.send(at(2), GOOD);
        let returned = hearing.returned(number, at(2), Ears { epoch: 8, ..GOOD }).unwrap();
        assert!(!returned.hears);
        assert!(hearing.is_deaf());
    }

    #[test]
    fn rule_13_a_reconnect_between_two_echoes_is_a_gap() {
        let mut hearing = hearing_since(1);
        // Disconnected and connected again before the next echo is sent.
        let again = Ears { epoch: 9, ..GOOD };
        assert!(!echo(&mut hearing, at(2), at(2), again).hears);
        assert_eq!((hearing.gap_end(), hearing.is_deaf()), (at(2), false));
        assert!(echo(&mut hearing, at(3), at(3), again).hears);
        assert_eq!(hearing.gap_end(), at(2));
    }

    #[test]
    fn rule_13_an_echo_from_before_a_reconnect_does_not_hide_it_from_the_next() {
        let mut hearing = hearing_since(1);
        let before = hearing.send(at(2), GOOD);
        let again = Ears { epoch: 9, ..GOOD };
        let after = hearing.send(at(2), again);
        assert!(!hearing.returned(before, at(2), again).unwrap().hears);
        assert!(!hearing.returned(after, at(3), again).unwrap().hears);
        assert_eq!((hearing.gap_end(), hearing.is_deaf()), (at(3), false));
    }

    #[test]
    fn rule_13_lost_batches_are_a_gap_of_the_node_and_forbid_no_decision() {
        let mut hearing = hearing_since(1);
        hearing.lost(at(2));
        assert_eq!((hearing.gap_end(), hearing.is_deaf()), (at(2), false));
        assert!(echo(&mut hearing, at(3), at(3), GOOD).hears);
        assert_eq!(hearing.gap_end(), at(2));
    }

    #[test]
    fn rule_13_a_gap_lasts_until_recovery_is_complete_too() {
        let mut hearing = hearing_since(1);
        let deaf = Ears { following: false, ..GOOD };
        for second in 2..20 {
            assert!(!echo(&mut hearing, at(second), at(second), deaf).hears);
            assert!(hearing.is_deaf());
        }
        assert!(!echo(&mut hearing, at(20), at(20), GOOD).hears);
        assert_eq!(hearing.gap_end(), at(20));
        assert!(hearing.deaf_total() >= Duration::from_secs(18));
    }

    #[test]
    fn an_echo_nobody_sent_says_nothing() {
        let mut hearing = hearing_since(1);
        assert_eq!(hearing.returned(99, at(2), GOOD), None);
    }

    #[test]
    fn rule_13_the_deadline_is_the_latest_of_what_restarts_the_idle_time() {
        let heard = Gateway::new(at(0));
        for (last_seen, node_gap, partition_gap, expected) in
            [(100, 0, 0, 400), (100, 150, 0, 450), (100, 150, 170, 470), (200, 150, 170, 500)]
        {
            let mut gateway = heard;
            gateway.last_batch = at(399);
            let due = deadline(at(last_seen), Some(&gateway), at(node_gap), at(partition_gap), at(400), IDLE);
            assert_eq!(due, at(expected));
        }
    }

    #[test]
    fn rule_13_sessions_of_a_silent_gateway_wait_for_its_last_batch_without_grace() {
        let gateway = Gateway { last_batch: at(250), ..Gateway::new(at(0)) };
        assert_eq!(deadline(at(100), Some(&gateway), at(0), at(0), at(400), IDLE), at(550));
        // Not yet silent: it is heard, so it holds nothing back.
        assert_eq!(deadline(at(100), Some(&gateway), at(0), at(0), at(254), IDLE), at(400));
    }

    #[test]
    fn rule_13_a_gateway_heard_again_restarts_the_idle_time() {
        let mut gateway = Gateway::new(at(0));
        assert!(!gateway.heard(at(1), 1, None, 10, IDLE));
        assert_eq!(gateway.gap_end, at(0));
        assert!(!gateway.heard(at(30), 2, None, 10, IDLE));
        assert_eq!(gateway.gap_end, at(30));
    }

    #[test]
    fn rule_13_lost_batches_show_in_the_counter() {
        let mut gateway = Gateway::new(at(0));
        for (counter, lost) in [(1, false), (2, false), (4, true), (5, false), (5, true), (6, false)] {
            assert_eq!(gateway.heard(at(1), counter, None, 10, IDLE), lost, "{counter}");
        }
        assert!(Gateway::new(at(0)).heard(at(1), 2, None, 10, IDLE), "its first was lost");
    }

    #[test]
    fn rule_11_a_gateway_that_has_not_seen_our_claim_is_in_a_gap_until_it_has() {
        let mut gateway = Gateway::new(at(0));
        for (counter, newest_claim) in (1..).zip([Some(9), None, Some(10), Some(10)]) {
            gateway.heard(at(counter), counter, newest_claim, 10, IDLE);
        }
        assert_eq!(gateway.gap_end, at(3));
    }

    #[test]
    fn a_short_idle_time_shortens_the_silence_of_gateways() {
        let gateway = Gateway { last_batch: at(10), ..Gateway::new(at(0)) };
        let idle = Duration::from_secs(4);
        assert_eq!(deadline(at(9), Some(&gateway), at(0), at(0), at(13), idle), at(14));
        assert_eq!(deadline(at(9), Some(&gateway), at(0), at(0), at(12), idle), at(13));
    }
}
