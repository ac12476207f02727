//! A sound log is proven, and for every rule a log that breaks it is refuted at the very message.

use std::time::Duration;

use andon_nats::{StoredMessage, batch};
use bus_schemas::{Actor, CloseCause, Partition, SessionId, SessionStatus, TimeUs, WorkerId, subject};

use super::{Range, Rule, sample::*};
use crate::session::fixture::WORKER;

/// Breaks a log; returns the sequence at which that must be found.
type Break = fn(&mut Vec<StoredMessage>) -> u64;

const BREAKS: &[(Rule, &str, Break)] = &[
    (Rule::Complete, "a message is gone", |log| {
        let at = find(log, is("quantities-reported"));
        log.remove(at);
        log[at].seq
    }),
    (Rule::Complete, "the end is gone", |log| {
        // The last but one stays the last: the range says that there is more.
        log.remove(log.len() - 2);
        log.last().unwrap().seq
    }),
    (Rule::Readable, "a body is damaged", |log| {
        let at = find(log, is("status-changed"));
        log[at].payload = log[at].payload.slice(..20);
        log[at].seq
    }),
    (Rule::Readable, "a subject is nobody's", |log| {
        let at = find(log, is("status-changed"));
        log[at].subject.push_str(".more");
        log[at].seq
    }),
    (Rule::Place, "an event lies on the chain of another worker", |log| {
        let at = find(log, is("status-changed"));
        log[at].subject = subject::session(WorkerId(uuid::Uuid::from_u128(77)));
        log[at].seq
    }),
    (Rule::Place, "a header names another event", |log| {
        let at = find(log, is("status-changed"));
        log[at].headers.insert(subject::HEADER_EVENT_ID, "another");
        log[at].seq
    }),
    (Rule::Condition, "an event builds on an older one", |log| {
        let at = find(log, is("status-changed"));
        expect(&mut log[at], 7);
        log[at].seq
    }),
    (Rule::Condition, "an event was stored without a condition", |log| {
        let at = find(log, is("carried"));
        log[at].headers = andon_nats::HeaderMap::new();
        log[at].seq
    }),
    (Rule::Condition, "a claim overrides another", |log| {
        let at = log.iter().position(|message| message.seq == 900).unwrap();
        expect(&mut log[at], 1);
        900
    }),
    (Rule::Versions, "a version is left out", |log| {
        edit(log, is("quantities-reported"), |event| {
            event.version += 1;
            event.state.session.version += 1;
        })
    }),
    (Rule::OneActive, "a second session is opened beside the first", |log| {
        let at = find(log, closed_by(CloseCause::Replaced));
        // The close becomes a plain status: nothing was closed.
        let twin = find(log, is("carried"));
        log[at].payload = log[twin].payload.clone();
        log[at + 1].seq
    }),
    (Rule::Final, "a completed session is closed again", |log| {
        let at = find(log, closed_by(CloseCause::Completed));
        let mut again = event(&log[at]).unwrap();
        again.version += 1;
        again.state.session.version += 1;
        let opened = at + log[at..].iter().skip(1).position(|message| event(message).is_some()).unwrap() + 1;
        log[opened].payload = bus_schemas::codec::encode(&again).unwrap().into();
        log[opened].seq
    }),
    (Rule::Time, "time runs back", |log| {
        edit(log, is("quantities-reported"), |event| {
            event.at_us = TimeUs::from_micros(1);
            event.state.session.updated_at_us = event.at_us;
            let session = &event.state.session;
            event.event_id = bus_schemas::EventId::derive(session.worker_id, &event.command_id, event.at_us, 0);
        })
    }),
    (Rule::Intervals, "an interval ends late and overlaps the next", |log| {
        edit(
            log,
            |event| is("status-changed")(event) && event.version > 3,
            |event| {
                let end = event.ended[0].ended_at_us.unwrap();
                event.ended[0].ended_at_us = Some(end.after(Duration::from_secs(1)));
            },
        )
    }),
    (Rule::Intervals, "an interval is missing", |log| {
        edit(log, closed_by(CloseCause::Idle), |event| drop(event.ended.remove(0)))
    }),
    (Rule::Totals, "pieces come from nowhere", |log| {
        edit(log, is("quantities-reported"), |event| event.state.session.total_good += 1)
    }),
    (Rule::Ids, "a command takes effect twice", |log| {
        let first = event(&log[find(log, is("status-changed"))]).unwrap();
        edit(log, is("quantities-reported"), |event| {
            event.command_id = first.command_id;
            event.event_id =
                bus_schemas::EventId::derive(event.state.session.worker_id, &event.command_id, event.at_us, 0);
        })
    }),
    (Rule::Ids, "an event stands twice", |log| {
        let at = find(log, is("quantities-reported"));
        let next = at + log[at..].iter().skip(1).position(|message| event(message).is_some()).unwrap() + 1;
        log[next].payload = log[at].payload.clone();
        log[next].seq
    }),
    (Rule::Previous, "the session before is forgotten", |log| {
        edit(log, closed_by(CloseCause::Completed), |event| event.state.previous = None)
    }),
    (Rule::State, "a name is rewritten", |log| {
        edit(log, is("status-changed"), |event| event.state.session.names.worker = "Somebody".into())
    }),
    (Rule::State, "a closed session is active", |log| {
        edit(log, closed_by(CloseCause::Admin), |event| event.state.session.status = SessionStatus::Active)
    }),
    (Rule::Acts, "a worker closes for silence", |log| {
        edit(log, closed_by(CloseCause::Idle), |event| event.actor = Actor::Worker(WORKER))
    }),
    (Rule::Acts, "the owner changes a status", |log| {
        edit(log, is("status-changed"), |event| event.actor = Actor::System)
    }),
    (Rule::Acts, "silence begins before the last sign of life", |log| {
        edit(log, closed_by(CloseCause::Idle), |event| {
            event.state.session.effective_end_at_us = Some(TimeUs::from_micros(5));
        })
    }),
    (Rule::Replace, "the replaced session's successor is missing", |log| {
        let at = find(log, closed_by(CloseCause::Replaced));
        log[at + 1] = claim(log[at + 1].seq, Partition::new(0), 0, OTHER, false);
        log[at].seq
    }),
    (Rule::Replace, "a replace was stored as two messages", |log| {
        let at = find(log, closed_by(CloseCause::Replaced)) + 1;
        log[at].headers = andon_nats::HeaderMap::new();
        log[at].seq
    }),
    (Rule::IdleClose, "closed without the claim", |log| {
        let at = find(log, closed_by(CloseCause::Idle));
        log[at + 1].headers.insert(batch::BATCH_ID, "another");
        log[at].seq
    }),
    (Rule::IdleClose, "closed by a stale owner", |log| {
        // Another node has taken the partition between the owner's claim and its close.
        let at = find(log, closed_by(CloseCause::Idle));
        let taken = claim(log[at - 1].seq, Partition::of(WORKER), 1, OTHER, false);
        log[at - 1] = taken;
        log[at].seq
    }),
];

#[test]
fn a_sound_log_is_proven_and_counted() {
    let verdict = verdict(&log());
    assert!(verdict.findings.is_empty(), "{:#?}", verdict.findings);
    let counts = verdict.counts;
    assert_eq!((counts.workers, counts.opened, counts.closed, counts.idle_closed), (1, 6, 5, 1));
    assert_eq!((counts.begun_before, counts.take_overs), (0, 1));
    assert_eq!(counts.messages, counts.events + counts.claims);
}

#[test]
fn each_rule_is_refuted_at_the_message_that_breaks_it() {
    for (rule, how, break_it) in BREAKS {
        let mut log = log();
        let seq = break_it(&mut log);
        let verdict = verdict(&log);
        let found = verdict.findings.of(*rule).unwrap_or_else(|| panic!("{how}: {:#?}", verdict.findings));
        assert_eq!(found.place.seq, seq, "{how}: {found:?}");
    }
}

#[test]
fn every_rule_about_the_log_has_a_log_that_breaks_it() {
    for rule in Rule::ALL.into_iter().filter(|rule| *rule != Rule::Projection) {
        assert!(BREAKS.iter().any(|(broken, ..)| *broken == rule), "{rule:?}");
    }
}

#[test]
fn a_finding_names_session_and_version_and_how_often() {
    let mut log = log();
    for _ in 0..2 {
        edit(
            &mut log,
            |event| is("status-changed")(event) && event.actor != Actor::System,
            |event| {
                event.actor = Actor::System;
            },
        );
    }
    let broken = event(&log[find(&log, is("status-changed"))]).unwrap();
    let verdict = verdict(&log);
    let found = verdict.findings.of(Rule::Acts).unwrap();
    assert_eq!((found.place.session_id, found.place.version), (Some(broken.session_id), Some(broken.version)));
    assert_eq!((found.place.worker_id, found.count), (Some(WORKER), 2));
}

#[test]
fn any_range_of_a_sound_log_is_sound() {
    let log = log();
    let last = log.last().unwrap().seq;
    for first_seq in (1..=last).step_by(3).chain(1_000..=last) {
        for last_seq in [first_seq, first_seq + 1, first_seq + 5, last] {
            let range = Range { first_seq, last_seq: last_seq.min(last), cut: last_seq < last };
            let verdict = verdict_of(&log, range);
            assert!(verdict.findings.is_empty(), "{range:?}: {:#?}", verdict.findings);
        }
    }
}

#[test]
fn what_ends_with_the_range_is_no_finding_and_at_the_end_of_the_log_it_is_one() {
    let log = log();
    let replaced = log[find(&log, closed_by(CloseCause::Replaced))].seq;
    let idle = log[find(&log, closed_by(CloseCause::Idle))].seq;
    for (last_seq, rule) in [(replaced, Rule::Replace), (idle, Rule::IdleClose)] {
        let range = Range { first_seq: 1, last_seq, cut: true };
        assert!(verdict_of(&log, range).findings.is_empty());
        let found = verdict_of(&log, Range { cut: false, ..range });
        assert_eq!(found.findings.of(rule).unwrap().place.seq, last_seq);
    }
}

#[test]
fn a_session_that_nobody_opened_is_refuted_in_a_whole_log() {
    let mut log = log();
    let at = find(&log, is("opened"));
    log[at] = claim(log[at].seq, Partition::new(0), 0, OTHER, false);
    let verdict = verdict(&log);
    let found = verdict.findings.of(Rule::Versions).unwrap();
    assert_ne!(found.place.session_id, Some(SessionId(uuid::Uuid::nil())));
    assert_eq!(found.place.version, Some(2));
}
