//! One worker's chain: every event against the state before it, and where it stands in the log.

use andon_nats::{StoredMessage, batch, publish};
use bus_schemas::{CloseCause, EventId, EventKind, SessionEvent, TimeUs, WorkerState};

use super::{Findings, Place, Rule, acts, intervals::Timeline};
use crate::session::{self, Broken};

/// A worker's chain as far as it was read.
#[derive(Debug)]
pub(super) struct Chain {
    state: WorkerState,
    seq: u64,
    place: Place,
    timeline: Timeline,
    /// Ids of the events of the newest instant: an id is derived from its time, so an older one cannot come again.
    ids: (TimeUs, Vec<EventId>),
    /// Closed by the message with this sequence to make room for the next session.
    replaced: Option<u64>,
}

impl Chain {
    /// The first message of a chain. One that began before the range is taken as it is.
    pub(super) fn begin(
        from_the_start: bool,
        message: &StoredMessage,
        event: &SessionEvent,
        findings: &mut Findings,
    ) -> Self {
        let place = Place::of(message).with(event);
        if from_the_start {
            condition(message, Some(0), findings, place);
            judge(session::fold_check(None, event), findings, place);
            acts::check(None, event, findings, place);
        }
        let mut chain = Self {
            state: session::apply(None, event, message.seq),
            seq: message.seq,
            place,
            timeline: Timeline::default(),
            ids: (event.at_us, vec![event.event_id]),
            replaced: is_replaced(event).then_some(message.seq),
        };
        chain.timeline.next(event, from_the_start, findings, place);
        chain
    }

    /// The next message of the chain.
    pub(super) fn next(&mut self, message: &StoredMessage, event: &SessionEvent, findings: &mut Findings) {
        let place = Place::of(message).with(event);
        if self.ends_a_replace(message, event, findings) {
            second_of_batch(message, findings, place);
        } else {
            condition(message, Some(self.seq), findings, place);
        }
        self.unique(event, findings, place);
        judge(session::fold_check(Some(&self.state), event), findings, place);
        acts::check(Some(&self.state), event, findings, place);
        self.timeline.next(event, false, findings, place);
        self.state = session::apply(Some(&self.state), event, message.seq);
        (self.seq, self.place) = (message.seq, place);
        self.replaced = is_replaced(event).then_some(message.seq);
    }

    /// The log ends here.
    pub(super) fn end(&self, findings: &mut Findings) {
        if self.replaced.is_some() {
            findings.add(Rule::Replace, self.place, "no session was opened in its place".to_owned());
        }
    }

    /// Whether this is the opening that belongs to the close before it: the very next message, by the same command.
    fn ends_a_replace(&self, message: &StoredMessage, event: &SessionEvent, findings: &mut Findings) -> bool {
        let Some(closed) = self.replaced else { return false };
        let opens = matches!(event.kind, EventKind::Opened { replaces: Some(_) }) && message.seq == closed + 1;
        if !opens {
            findings.add(Rule::Replace, self.place, "the next message does not open a session in its place".to_owned());
        }
        opens
    }

    /// No event id stands twice, and a command that is remembered has no second effect.
    fn unique(&mut self, event: &SessionEvent, findings: &mut Findings, place: Place) {
        if self.ids.0 != event.at_us {
            self.ids = (event.at_us, Vec::new());
        }
        if self.ids.1.contains(&event.event_id) {
            findings.add(Rule::Ids, place, format!("event {} stands twice", event.event_id));
        }
        self.ids.1.push(event.event_id);
        if let Some(earlier) = self.state.ring.get(&event.command_id) {
            let what = format!("command {} had taken effect with message {}", event.command_id, earlier.seq);
            findings.add(Rule::Ids, place, what);
        }
    }
}

fn is_replaced(event: &SessionEvent) -> bool {
    matches!(event.kind, EventKind::Closed { cause: CloseCause::Replaced, .. })
}

fn header<'a>(message: &'a StoredMessage, name: &str) -> Option<&'a str> {
    message.headers.get(name).map(|value| value.as_str())
}

/// A message was stored on condition of the one before it on its subject; where that one is not known, of an older one.
pub(super) fn condition(message: &StoredMessage, before: Option<u64>, findings: &mut Findings, place: Place) {
    let told = header(message, publish::EXPECT_LAST_SUBJECT).and_then(|told| told.parse::<u64>().ok());
    let what = match (told, before) {
        (None, _) => "it was stored without a condition".to_owned(),
        (Some(told), Some(before)) if told != before => {
            format!("it builds on message {told}, and the one before it is {before}")
        }
        (Some(told), None) if told >= message.seq => format!("it builds on message {told}, which is no earlier one"),
        _ => return,
    };
    findings.add(Rule::Condition, place, what);
}

/// The second half of a replace has no condition of its own: it is stored with the first half or not at all.
fn second_of_batch(message: &StoredMessage, findings: &mut Findings, place: Place) {
    if header(message, batch::BATCH_SEQUENCE).is_none_or(|number| number == "1") {
        findings.add(Rule::Replace, place, "it was not stored as one with the close before it".to_owned());
    }
}

fn judge(checked: Result<(), Broken>, findings: &mut Findings, place: Place) {
    let Err(broken) = checked else { return };
    let rule = match broken {
        Broken::Version { .. } => Rule::Versions,
        Broken::Elsewhere => Rule::Place,
        Broken::Id | Broken::Ring => Rule::Ids,
        Broken::Closed => Rule::Final,
        Broken::SecondActive => Rule::OneActive,
        Broken::Time => Rule::Time,
        Broken::Intervals => Rule::Intervals,
        Broken::Totals => Rule::Totals,
        Broken::Previous => Rule::Previous,
        Broken::Field(_) => Rule::State,
    };
    findings.add(rule, place, broken.to_string());
}
