//! The time of one session, added up: told a second time from nothing but the intervals that its events ended.

use bus_schemas::{EventKind, Interval, SessionEvent, TimeUs};

use super::{Findings, Place, Rule};

/// The intervals of a worker's current session.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// From where intervals are known; none before the session has passed its gate.
    since: Option<TimeUs>,
    /// Up to where they reach.
    until: TimeUs,
    /// Microseconds they hold.
    sum_us: i64,
}

impl Timeline {
    /// The next event. `whole` is false for a chain's first one when its beginning was not read.
    pub(super) fn next(&mut self, event: &SessionEvent, whole: bool, findings: &mut Findings, place: Place) {
        let session = &event.state.session;
        if matches!(event.kind, EventKind::Opened { .. }) {
            *self = Self::default();
        }
        if !session.is_started() {
            return;
        }
        if self.since.is_none() {
            let unread = !whole && !event.ended.is_empty();
            let known = event.ended.first().filter(|_| unread).or(session.open.as_ref().filter(|_| !whole));
            let since = known.map_or(session.started_at_us, |interval| interval.started_at_us);
            *self = Self { since: Some(since), until: since, sum_us: 0 };
        }
        let mut wrong = event.ended.iter().find_map(|interval| self.add(interval));
        match (&session.open, session.ended_at_us) {
            (Some(open), None) if open.started_at_us != self.until => {
                wrong = wrong.or_else(|| Some(between(self.until, open.started_at_us)));
            }
            (None, Some(ended)) => wrong = wrong.or_else(|| self.adds_up(ended)),
            (Some(_), None) => {}
            (open, _) => {
                let which = if open.is_some() { "a closed session has a" } else { "an active session has no" };
                wrong = wrong.or_else(|| Some(format!("{which} running interval")));
            }
        }
        if let Some(what) = wrong {
            findings.add(Rule::Intervals, place, what);
            // What comes after is judged from here on.
            let since = session.open.as_ref().map_or(event.at_us, |open| open.started_at_us);
            *self = Self { since: Some(since), until: since, sum_us: 0 };
        }
    }

    fn add(&mut self, interval: &Interval) -> Option<String> {
        let Some(end) = interval.ended_at_us else { return Some("an ended interval has no end".to_owned()) };
        if interval.started_at_us != self.until {
            return Some(between(self.until, interval.started_at_us));
        }
        if end < interval.started_at_us {
            return Some("an interval ends before it begins".to_owned());
        }
        self.sum_us += end.as_micros() - interval.started_at_us.as_micros();
        self.until = end;
        None
    }

    fn adds_up(&self, ended: TimeUs) -> Option<String> {
        if self.until != ended {
            return Some(between(self.until, ended));
        }
        let span = self.since.map_or(0, |since| ended.as_micros() - since.as_micros());
        (self.sum_us != span)
            .then(|| format!("the intervals add up to {} us, and the session's time is {span} us", self.sum_us))
    }
}

fn between(end: TimeUs, start: TimeUs) -> String {
    let us = start.as_micros() - end.as_micros();
    if us > 0 { format!("a hole of {us} us between intervals") } else { format!("an overlap of {} us", -us) }
}
