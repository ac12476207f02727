//! A log for the tests: one worker's chain among claims, as a server would have it, and ways to break it.

use std::{collections::BTreeMap, time::Duration};

use andon_nats::{HeaderMap, StoredMessage, batch, publish};
use bus_schemas::{
    Actor, Claim, CloseCause, Command, CommandBody, EventKind, Extra, Partition, SessionEvent, codec,
    command::AbandonReason, subject,
};

use super::{Range, Verdict, Verifier};
use crate::session::{
    Ask,
    fixture::{BENCH, Floor, PRESS, START, WORKER, end, open, seq_of, start, status, totals},
};

pub(super) const OWNER: &str = "north-1";
pub(super) const OTHER: &str = "south-1";

/// A log: a shift with every kind of event and every cause of a close.
pub(super) fn log() -> Vec<StoredMessage> {
    let events = shift();
    let mut log: BTreeMap<u64, StoredMessage> = BTreeMap::new();
    let own = Partition::of(WORKER);
    log.insert(1, claim(1, own, 0, OWNER, false));
    let (mut last, mut claimed) = (0, 1);
    for (index, event) in events.iter().enumerate() {
        let nth = index + 1;
        let is = |cause| matches!(event.kind, EventKind::Closed { cause: found, .. } if found == cause);
        // The two halves of a replace are neighbours, as in a batch.
        let seq = if is(CloseCause::Replaced) { seq_of(nth + 1) - 1 } else { seq_of(nth) };
        let opens_in_place = matches!(event.kind, EventKind::Opened { replaces: Some(_) });
        let mut message = stored(seq, &subject::session(WORKER), codec::encode(event).unwrap());
        if !opens_in_place {
            expect(&mut message, last);
        }
        if is(CloseCause::Replaced) || is(CloseCause::Idle) {
            in_batch(&mut message, seq, 1);
        }
        if opens_in_place {
            in_batch(&mut message, seq - 1, 2);
        }
        log.insert(seq, message);
        if is(CloseCause::Idle) {
            let mut renewal = claim(seq + 1, own, claimed, OWNER, false);
            in_batch(&mut renewal, seq, 2);
            log.insert(seq + 1, renewal);
            claimed = seq + 1;
        }
        last = seq;
    }
    // What lies between: another partition's claim, renewed and moved.
    let elsewhere = Partition::new(own.index() as u8 ^ 1);
    let mut before = 0;
    for seq in 1..last {
        if let std::collections::btree_map::Entry::Vacant(free) = log.entry(seq) {
            free.insert(claim(seq, elsewhere, before, if seq < 1_010 { OWNER } else { OTHER }, false));
            before = seq;
        }
    }
    log.into_values().collect()
}

/// Every kind of event, every cause of a close.
fn shift() -> Vec<SessionEvent> {
    let (mut floor, id) = Floor::working();
    floor.stored(status(id, "production"));
    floor.stored(totals(id, Some(5), Some(1)));
    floor.wait(Duration::from_secs(60));
    floor.stored(status(id, "fault"));
    floor.ask(&Ask::Carry).unwrap();
    floor.wait(Duration::from_secs(60));
    // Replaced, then silent.
    floor.open(BENCH);
    floor.wait(Duration::from_secs(600));
    let last_seen_us = floor.now.before(Duration::from_secs(300));
    floor.ask(&Ask::Idle { last_seen_us }).unwrap();
    // Completed.
    let id = floor.open(PRESS);
    floor.stored(start(id));
    floor.wait(Duration::from_secs(60));
    floor.stored(end(id));
    floor.stored(CommandBody::Complete { session_id: id });
    // Abandoned before its gate.
    let session_id = floor.open(PRESS);
    floor.stored(CommandBody::Abandon { session_id, reason: AbandonReason::WorkerChoice });
    // Closed by a supervisor.
    floor.send(open(BENCH, "4712")).unwrap();
    let session_id = floor.session().id;
    let command = floor.command(CommandBody::AdminClose { session_id });
    floor.ask(&Ask::Command(&Command { actor: Actor::Admin("noa".into()), ..command })).unwrap();
    // And at work.
    let id = floor.open(BENCH);
    floor.stored(status(id, "setup"));
    floor.events
}

pub(super) fn claim(seq: u64, partition: Partition, before: u64, node_id: &str, released: bool) -> StoredMessage {
    let claim =
        Claim { node_id: node_id.into(), at_us: START, released, taken: None, successor: None, extra: Extra::new() };
    let mut message = stored(seq, &subject::claim(partition), codec::encode(&claim).unwrap());
    expect(&mut message, before);
    message
}

fn stored(seq: u64, subject: &str, payload: Vec<u8>) -> StoredMessage {
    let mut headers = HeaderMap::new();
    headers.insert(subject::HEADER_SCHEMA, codec::SCHEMA);
    StoredMessage { subject: subject.to_owned(), seq, time_us: START, headers, payload: payload.into() }
}

pub(super) fn expect(message: &mut StoredMessage, seq: u64) {
    message.headers.insert(publish::EXPECT_LAST_SUBJECT, seq.to_string().as_str());
}

fn in_batch(message: &mut StoredMessage, id: u64, number: u64) {
    message.headers.insert(batch::BATCH_ID, format!("batch-{id}").as_str());
    message.headers.insert(batch::BATCH_SEQUENCE, number.to_string().as_str());
}

/// Reads the whole log.
pub(super) fn verdict(log: &[StoredMessage]) -> Verdict {
    let (first_seq, last_seq) = (1, log.last().map_or(0, |message| message.seq));
    verdict_of(log, Range { first_seq, last_seq, cut: false })
}

pub(super) fn verdict_of(log: &[StoredMessage], range: Range) -> Verdict {
    let mut verifier = Verifier::new(range);
    for message in log.iter().filter(|message| (range.first_seq..=range.last_seq).contains(&message.seq)) {
        verifier.read(message);
    }
    verifier.finish()
}

/// The event that a message carries.
pub(super) fn event(message: &StoredMessage) -> Option<SessionEvent> {
    message.subject.starts_with(subject::SESSIONS.trim_end_matches('>')).then(|| message.decode().unwrap())
}

/// Where the first event is for which `wanted` holds.
pub(super) fn find(log: &[StoredMessage], wanted: impl Fn(&SessionEvent) -> bool) -> usize {
    log.iter().position(|message| event(message).is_some_and(|event| wanted(&event))).expect("there is one")
}

/// Changes that event; returns its sequence.
pub(super) fn edit(
    log: &mut [StoredMessage],
    wanted: impl Fn(&SessionEvent) -> bool,
    change: impl FnOnce(&mut SessionEvent),
) -> u64 {
    let at = find(log, wanted);
    let mut changed = event(&log[at]).unwrap();
    change(&mut changed);
    log[at].payload = codec::encode(&changed).unwrap().into();
    log[at].seq
}

pub(super) fn is(name: &'static str) -> impl Fn(&SessionEvent) -> bool {
    move |event| event.kind.name() == name
}

pub(super) fn closed_by(cause: CloseCause) -> impl Fn(&SessionEvent) -> bool {
    move |event| matches!(event.kind, EventKind::Closed { cause: found, .. } if found == cause)
}
