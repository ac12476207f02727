//! What holds after every step of every history: random commands, also repeated and misused ids, idle closes, carries,
//! edits of the directory, clocks that run back.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bus_schemas::{
    Actor, CloseCause, Command, CommandBody, CommandId, Refusal, RefusalCode, Session, SessionEvent, SessionId, TimeUs,
    WorkerState, codec,
    directory::Record,
    limits::{QUANTITY_MAX, RING_CAPACITY},
};
use proptest::{prelude::*, strategy::ValueTree};

use super::{Ask, Decision, answer_from_event, apply, fixture::*};

mod history;

use history::{Intent, Sender, Step, What, Which, step};

/// A worker's history as it is played, and what was seen of it.
struct Play {
    floor: Floor,
    sent: Vec<Command>,
    /// Accepted commands, oldest first, each with the number of its last event.
    accepted: Vec<(CommandId, usize)>,
    /// Every closed session as it was when it closed.
    closed: HashMap<SessionId, Session>,
    /// What has happened, by name: so that a history that meets nothing is noticed.
    met: BTreeSet<&'static str>,
}

impl Play {
    fn new() -> Self {
        Self {
            floor: Floor::new(),
            sent: Vec::new(),
            accepted: Vec::new(),
            closed: HashMap::new(),
            met: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        self.floor.now = moved(self.floor.now, step.clock_us);
        self.floor.deadline = step.deadline_us.map(|offset| moved(self.floor.now, offset));
        let stored = self.floor.events.len();
        match &step.what {
            What::Send(intent, sender) => {
                let mut command = self.floor.command(self.body(intent));
                if matches!((sender, &command.body), (Sender::Supervisor, _) | (_, CommandBody::AdminClose { .. })) {
                    command.actor = Actor::Admin("noa".into());
                }
                self.send(command);
            }
            What::Repeat(back) => self.earlier(*back).into_iter().for_each(|command| self.send(command)),
            What::Reuse(back, intent) => {
                let body = self.body(intent);
                self.earlier(*back)
                    .into_iter()
                    .for_each(|command| self.send(Command { body: body.clone(), ..command }));
            }
            What::Idle { seen_us } => {
                drop(self.floor.ask(&Ask::Idle { last_seen_us: moved(self.floor.now, *seen_us) }))
            }
            What::Carry => drop(self.floor.ask(&Ask::Carry)),
            What::EditPress { empty } => {
                let emptied = station(PRESS, "press", &[], &[]);
                self.floor.put(Record::Station(if *empty { emptied } else { press() }));
            }
        }
        self.check(stored);
    }

    fn earlier(&self, back: usize) -> Option<Command> {
        self.sent.iter().rev().nth(back).cloned()
    }

    fn body(&self, intent: &Intent) -> CommandBody {
        match intent {
            Intent::Open { bench, job } => open(if *bench { BENCH } else { PRESS }, &format!("job-{job}")),
            Intent::Checklist { which, list, complete } => {
                let ticked: &[&str] = if *complete { &["paper", "oil", "clean"] } else { &["oil"] };
                let station = self.nth(*which).map_or(PRESS, |session| session.station_id);
                checklist(self.id(*which), station, *list, ticked)
            }
            Intent::Status { which, status, reason, note } => CommandBody::Status {
                session_id: self.id(*which),
                status: code(status),
                reason_id: *reason,
                note: note.map(Into::into),
                image_url: None,
            },
            Intent::Quantities { which, report } => {
                CommandBody::Quantities { session_id: self.id(*which), report: *report }
            }
            Intent::Complete(which) => CommandBody::Complete { session_id: self.id(*which) },
            Intent::Abandon(which, reason) => CommandBody::Abandon { session_id: self.id(*which), reason: *reason },
            Intent::AdminClose(which) => CommandBody::AdminClose { session_id: self.id(*which) },
        }
    }

    fn nth(&self, which: Which) -> Option<&Session> {
        let opened = self.floor.events.iter().rev().filter(|event| event.version == 1);
        opened.map(|event| &event.state.session).nth(which)
    }

    fn id(&self, which: Which) -> SessionId {
        self.nth(which).map_or(SessionId(uuid::Uuid::from_u128(404)), |session| session.id)
    }

    /// The same command id never makes two events, and gives the same answer, for as long as it is remembered.
    fn send(&mut self, command: Command) {
        let remembered = self.accepted.iter().rev().take(RING_CAPACITY).find(|(id, _)| *id == command.id).cloned();
        let result = self.floor.ask(&Ask::Command(&command));
        match (remembered, &result) {
            (Some((id, nth)), Ok(Decision::Repeat { seq })) => {
                assert_eq!(*seq, seq_of(nth));
                let event = &self.floor.events[nth - 1];
                assert_eq!(event.command_id, id);
                let answer = answer_from_event(event, *seq);
                assert_eq!(answer.session.as_ref(), Some(&event.state.session));
            }
            (Some(_), Err(Refusal { code: RefusalCode::IdempotencyKeyReused, .. })) => {}
            (Some(_), other) => panic!("a remembered id must be answered as a repeat or refused: {other:?}"),
            (None, Ok(Decision::Repeat { .. })) => panic!("{} was never accepted", command.id),
            (None, Ok(Decision::Publish(_))) => self.accepted.push((command.id.clone(), self.floor.events.len())),
            (None, _) => {}
        }
        self.met.insert(match result {
            Ok(Decision::Publish(events)) if events.len() == 2 => "replace",
            Ok(Decision::Publish(_)) => "stored",
            Ok(Decision::Nothing(_)) => "nothing",
            Ok(Decision::Repeat { .. }) => "repeat",
            Ok(Decision::Wait { .. }) => "wait",
            Err(refusal) => refusal.code.as_str(),
        });
        self.sent.push(command);
    }

    fn check(&mut self, stored: usize) {
        for event in &self.floor.events[stored..] {
            let id = event.session_id;
            assert!(!self.closed.contains_key(&id), "closed is absorbing: {event:?}");
            if !event.state.session.is_active() {
                self.closed.insert(id, event.state.session.clone());
            }
            let read: SessionEvent = codec::decode(&codec::encode(event).unwrap()).unwrap();
            assert_eq!(&read, event, "what is read is what was written");
            self.met.insert(event.kind.name());
            self.met.extend(event.state.session.closed_cause.map(CloseCause::as_str));
        }
        let Some(state) = &self.floor.state else { return };
        check_session(&self.floor, &state.session);
        if let Some(previous) = &state.previous {
            assert_eq!(Some(&**previous), self.closed.get(&previous.id), "the previous one stays as it closed");
        }
    }
}

fn moved(time: TimeUs, by_us: i64) -> TimeUs {
    let span = Duration::from_micros(by_us.unsigned_abs());
    if by_us < 0 { time.before(span) } else { time.after(span) }
}

/// One running interval in a started active session and none in any other; the intervals adjoin and add up to the
/// session's time to the microsecond; totals stay in their bounds.
fn check_session(floor: &Floor, session: &Session) {
    assert_eq!(session.open.is_some(), session.is_started() && session.is_active(), "{session:?}");
    assert!((0..=QUANTITY_MAX).contains(&session.total_good) && (0..=QUANTITY_MAX).contains(&session.total_scrap));
    assert_eq!(session.ended_at_us.is_some(), !session.is_active());
    if !session.is_started() {
        return;
    }
    let end = session.ended_at_us.unwrap_or(session.updated_at_us);
    let mut at = session.started_at_us;
    let mut sum = 0;
    for interval in floor.intervals(session) {
        assert_eq!(interval.started_at_us, at, "no hole and no overlap: {interval:?}");
        let until = interval.ended_at_us.unwrap_or(end);
        assert!(until >= at, "no negative time: {interval:?}");
        sum += until.as_micros() - at.as_micros();
        at = until;
    }
    assert_eq!((at, sum), (end, end.as_micros() - session.started_at_us.as_micros()));
}

/// The whole log, read back from the start.
fn fold(events: &[SessionEvent]) -> Option<WorkerState> {
    let mut versions: HashMap<SessionId, u64> = HashMap::new();
    let mut last = TimeUs::from_micros(i64::MIN);
    events.iter().zip(1..).fold(None, |state, (event, nth)| {
        let version = versions.entry(event.session_id).or_default();
        *version += 1;
        assert_eq!(event.version, *version, "versions have no holes");
        assert!(event.at_us >= last, "time never runs back in a log");
        last = event.at_us;
        Some(apply(state.as_ref(), event, seq_of(nth)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Fault 33: the clock jumps, an hour ahead or back at once.
    #[test]
    fn every_history_keeps_the_rules(steps in prop::collection::vec(step(), 1..120)) {
        let mut play = Play::new();
        for step in &steps {
            play.step(step);
        }
        prop_assert_eq!(fold(&play.floor.events), play.floor.state);
        let mut ids: Vec<_> = play.floor.events.iter().map(|event| event.event_id).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), play.floor.events.len(), "no event id stands twice");
    }
}

/// Histories that never came to what they are to check would prove nothing.
#[test]
fn histories_meet_everything_that_matters() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let histories = prop::collection::vec(step(), 100..101);
    let mut met = BTreeSet::new();
    for _ in 0..60 {
        let steps = histories.new_tree(&mut runner).unwrap().current();
        let mut play = Play::new();
        steps.iter().for_each(|step| play.step(step));
        met.append(&mut play.met);
    }
    for what in [
        "opened",
        "checklist-completed",
        "status-changed",
        "quantities-reported",
        "closed",
        "carried",
        "completed",
        "idle",
        "abandoned",
        "replaced",
        "admin",
        "replace",
        "nothing",
        "repeat",
        "wait",
        "SESSION_CLOSED",
        "NOT_FOUND",
        "START_CHECKLIST_REQUIRED",
        "END_CHECKLIST_REQUIRED",
        "CHECKLIST_INCOMPLETE",
        "UNKNOWN_STATUS",
        "UNKNOWN_REASON",
        "REASON_REQUIRED",
        "INVALID_QUANTITY",
        "SESSION_STILL_LIVE",
        "IDEMPOTENCY_KEY_REUSED",
    ] {
        assert!(met.contains(what), "no history met {what}: {met:?}");
    }
}
