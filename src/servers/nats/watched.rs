//! What follows from the nats-server's answers, while it starts and while it runs.

use std::time::Duration;

use tokio::time::Instant;

use super::health::Health;

/// How long a starting server may give no answer at all.
const SILENT_START_LIMIT: Duration = Duration::from_secs(120);
/// How often whoever waits for a start is told what it waits for.
const TOLD_EVERY: Duration = Duration::from_secs(30);
/// A running server that gives no answer so many times in a row hangs. One that is suspended takes 2 s for each: a
/// minute, which is more than any pause that it gets over by itself.
const SILENCES_MAX: u32 = 30;

/// What to do with a server that was started.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is healthy.
    Up,
    /// Ask again.
    Wait,
    /// It has given no answer for too long.
    Late,
    /// It answers, and what it says no waiting mends.
    Mute(String),
}

/// A server that was started and was not healthy yet.
#[derive(Debug)]
pub struct Starting {
    deadline: Instant,
    told: Instant,
}

impl Starting {
    /// It was started now.
    pub fn new(now: Instant) -> Self {
        Self { deadline: now + SILENT_START_LIMIT, told: now }
    }

    /// What follows from this answer. While it says that it is at work there is no limit: killed in the middle of
    /// reading its log, it would begin anew, for ever.
    pub fn verdict(&mut self, health: Health, now: Instant) -> Verdict {
        match health {
            Health::Good => Verdict::Up,
            Health::Mute(why) => Verdict::Mute(why),
            Health::Unwell(what) => {
                self.deadline = now + SILENT_START_LIMIT;
                if now - self.told >= TOLD_EVERY {
                    tracing::info!(what, "waiting for nats-server, which is at work");
                    self.told = now;
                }
                Verdict::Wait
            }
            Health::Silent if now > self.deadline => Verdict::Late,
            Health::Silent => Verdict::Wait,
        }
    }
}

/// A server that was healthy once.
#[derive(Debug, Default)]
pub struct Watched {
    silences: u32,
}

impl Watched {
    /// Why it must be started again, if it must.
    pub fn why_restart(&mut self, health: Health) -> Option<String> {
        self.silences = if health == Health::Silent { self.silences + 1 } else { 0 };
        match health {
            Health::Mute(why) => Some(why),
            Health::Silent if self.silences >= SILENCES_MAX => {
                Some(format!("it gave no answer {SILENCES_MAX} times in a row"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwell() -> Health {
        Health::Unwell("JetStream is not current".into())
    }

    #[test]
    fn a_start_takes_as_long_as_the_server_says_that_it_is_at_work() {
        // given a server that reads a large log
        let begun = Instant::now();
        let mut starting = Starting::new(begun);
        // when it says so for an hour, and is busy for a while in between
        let mut now = begun;
        while now < begun + Duration::from_secs(3_600) {
            now += SILENT_START_LIMIT / 2;
            assert_eq!(starting.verdict(unwell(), now), Verdict::Wait);
            now += SILENT_START_LIMIT / 2;
            assert_eq!(starting.verdict(Health::Silent, now), Verdict::Wait);
        }
        // then it is up when it says so
        assert_eq!(starting.verdict(Health::Good, now), Verdict::Up);
    }

    #[test]
    fn a_start_without_any_answer_is_given_up() {
        let begun = Instant::now();
        let mut starting = Starting::new(begun);
        assert_eq!(starting.verdict(Health::Silent, begun + SILENT_START_LIMIT), Verdict::Wait);
        let late = begun + SILENT_START_LIMIT + Duration::from_millis(1);
        assert_eq!(starting.verdict(Health::Silent, late), Verdict::Late);
    }

    #[test]
    fn a_server_that_is_mute_from_the_start_is_not_waited_for() {
        let now = Instant::now();
        let verdict = Starting::new(now).verdict(Health::Mute("write error".into()), now);
        assert_eq!(verdict, Verdict::Mute("write error".into()));
    }

    #[test]
    fn only_silence_without_a_break_is_a_server_that_hangs() {
        let mut watched = Watched::default();
        for _ in 1..SILENCES_MAX {
            assert_eq!(watched.why_restart(Health::Silent), None);
        }
        assert_eq!(watched.why_restart(unwell()), None);
        for _ in 1..SILENCES_MAX {
            assert_eq!(watched.why_restart(Health::Silent), None);
        }
        assert!(watched.why_restart(Health::Silent).is_some());
    }
}
