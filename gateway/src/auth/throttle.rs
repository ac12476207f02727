//! Brakes on failed logins: per address and in all, with growing delays. Never per code: anybody could lock anybody out.
//!
//! Time is passed in. Every attempt is charged before it is checked and given back when it succeeds, so that a flood of
//! attempts at once is braked too.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// Failures of one address without a delay: fingers slip, and a hall may share one address.
const FREE_OF_ADDRESS: u32 = 10;
/// One failure of an address is forgiven in this time.
const FORGIVE_ADDRESS: Duration = Duration::from_secs(30);
/// Longest delay for an address.
const DELAY_ADDRESS_MAX: Duration = Duration::from_secs(300);
/// Failures in all without a delay.
const FREE_IN_ALL: u32 = 100;
/// One failure in all is forgiven in this time.
const FORGIVE_IN_ALL: Duration = Duration::from_secs(1);
/// Longest delay in all: those who never signed in from where they are wait this long in the middle of an attack.
const DELAY_IN_ALL_MAX: Duration = Duration::from_secs(30);
/// An address from which somebody signed in this recently does not wait for the failures of others.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 3_600);
/// Addresses remembered: 100 bytes each. Beyond it the calmest are forgotten.
const ADDRESSES_MAX: usize = 20_000;

/// A level of failures that sinks with time.
#[derive(Clone, Copy, Debug)]
struct Level {
    failures: u32,
    /// Since when the failures are counted down.
    since: Instant,
    /// When the last attempt was.
    last: Instant,
}

impl Level {
    const fn new(now: Instant) -> Self {
        Self { failures: 0, since: now, last: now }
    }

    fn settle(&mut self, now: Instant, forgive: Duration) {
        let forgiven = now.saturating_duration_since(self.since).as_millis() / forgive.as_millis();
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_sub(forgiven);
        self.since = if self.failures == 0 { now } else { self.since + forgive * forgiven };
    }

    /// How long to wait still.
    fn wait(&self, now: Instant, free: u32, max: Duration) -> Duration {
        let beyond = self.failures.saturating_sub(free);
        if beyond == 0 {
            return Duration::ZERO;
        }
        let delay = Duration::from_secs(1 << (beyond - 1).min(16)).min(max);
        delay.saturating_sub(now.saturating_duration_since(self.last))
    }

    fn charge(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.last = now;
    }
}

/// The brake.
#[derive(Debug, Default)]
pub struct Throttle {
    addresses: HashMap<IpAddr, Level>,
    known: HashMap<IpAddr, Instant>,
    in_all: Option<Level>,
}

impl Throttle {
    /// Charges an attempt.
    ///
    /// # Errors
    /// It is braked: how long to wait.
    pub fn attempt(&mut self, address: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let known = address.is_some_and(|address| self.is_known(address, now));
        let in_all = self.in_all.get_or_insert_with(|| Level::new(now));
        in_all.settle(now, FORGIVE_IN_ALL);
        let mut wait = if known { Duration::ZERO } else { in_all.wait(now, FREE_IN_ALL, DELAY_IN_ALL_MAX) };
        if let Some(address) = address {
            self.make_room(now);
            let level = self.addresses.entry(address).or_insert_with(|| Level::new(now));
            level.settle(now, FORGIVE_ADDRESS);
            wait = wait.max(level.wait(now, FREE_OF_ADDRESS, DELAY_ADDRESS_MAX));
            if wait.is_zero() {
                level.charge(now);
            }
        }
        if wait.is_zero()
            && let Some(in_all) = &mut self.in_all
        {
            in_all.charge(now);
        }
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// The attempt could not be judged: its charge is given back.
    pub fn undecided(&mut self, address: Option<IpAddr>) {
        if let Some(in_all) = &mut self.in_all {
            in_all.failures = in_all.failures.saturating_sub(1);
        }
        if let Some(level) = address.and_then(|address| self.addresses.get_mut(&address)) {
            level.failures = level.failures.saturating_sub(1);
        }
    }

    /// The attempt succeeded: its charge is given back, earlier failures are not.
    pub fn succeeded(&mut self, address: Option<IpAddr>, now: Instant) {
        self.undecided(address);
        let Some(address) = address else { return };
        if self.known.len() >= ADDRESSES_MAX {
            self.known.retain(|_, at| now.saturating_duration_since(*at) < KNOWN_FOR);
        }
        if self.known.len() < ADDRESSES_MAX {
            self.known.insert(address, now);
        }
    }

    fn is_known(&self, address: IpAddr, now: Instant) -> bool {
        self.known.get(&address).is_some_and(|at| now.saturating_duration_since(*at) < KNOWN_FOR)
    }

    fn make_room(&mut self, now: Instant) {
        if self.addresses.len() < ADDRESSES_MAX {
            return;
        }
        for level in self.addresses.values_mut() {
            level.settle(now, FORGIVE_ADDRESS);
        }
        self.addresses.retain(|_, level| level.failures > FREE_OF_ADDRESS / 2);
        if self.addresses.len() >= ADDRESSES_MAX {
            // An attack from everywhere: the limit in all holds.
            self.addresses.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn an_address_waits_longer_with_every_failure_and_another_does_not_wait() {
        let mut throttle = Throttle::default();
        let mut now = Instant::now();
        for _ in 0..FREE_OF_ADDRESS {
            throttle.attempt(address(1), now).unwrap();
        }
        throttle.attempt(address(1), now).unwrap();
        let first = throttle.attempt(address(1), now).unwrap_err();
        now += first;
        throttle.attempt(address(1), now).unwrap();
        let second = throttle.attempt(address(1), now).unwrap_err();
        assert_eq!((first, second), (Duration::from_secs(1), Duration::from_secs(2)));
        throttle.attempt(address(2), now).unwrap();
    }

    #[test]
    fn spraying_codes_from_one_station_gets_nowhere() {
        let mut throttle = Throttle::default();
        let mut now = Instant::now();
        let mut tried = 0;
        for _ in 0..3_600 {
            tried += u32::from(throttle.attempt(address(1), now).is_ok());
            now += Duration::from_secs(1);
        }
        assert!(tried < 140, "{tried} guesses in an hour");
    }

    #[test]
    fn a_flood_from_everywhere_is_braked_but_not_where_people_signed_in_before() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        throttle.attempt(address(1), now).unwrap();
        throttle.succeeded(address(1), now);
        let mut refused = 0;
        for number in 0..400_u32 {
            let attacker = Some(IpAddr::from(number.to_be_bytes()));
            refused += u32::from(throttle.attempt(attacker, now).is_err());
        }
        assert!(refused >= 290, "{refused}");
        throttle.attempt(address(1), now).unwrap();
        throttle.attempt(address(2), now).unwrap_err();
        // Behind a proxy that does not tell, only the limit in all counts.
        throttle.attempt(None, now).unwrap_err();
    }

    #[test]
    fn success_gives_its_charge_back_and_forgives_nothing_else() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        for _ in 0..FREE_OF_ADDRESS {
            throttle.attempt(address(1), now).unwrap();
        }
        for _ in 0..100 {
            throttle.attempt(address(1), now).unwrap();
            throttle.succeeded(address(1), now);
        }
        throttle.attempt(address(1), now).unwrap();
        throttle.attempt(address(1), now).unwrap_err();
    }

    #[test]
    fn memory_is_bounded() {
        let mut throttle = Throttle::default();
        let mut now = Instant::now();
        for number in 0..50_000_u32 {
            let _ = throttle.attempt(Some(IpAddr::from(number.to_be_bytes())), now);
            now += Duration::from_millis(1_100);
        }
        assert!(throttle.addresses.len() <= ADDRESSES_MAX);
    }
}
