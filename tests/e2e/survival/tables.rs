//! What Postgres holds must be the fold of the log: no gap and no double.

use std::collections::BTreeMap;

use bus_schemas::{EventKind, SessionEvent, TimeUs};

use super::floor::difference;
use super::ledger::Ledger;
use crate::harness::{sql, until};

/// Times as the log has them.
const MICROSECONDS: &str = "create function pg_temp.us(at timestamptz) returns bigint language sql \
     return (1000000 * extract(epoch from at))::bigint";

/// A table: its name, how it is read, and the rows that the log makes of it.
type Table = (&'static str, &'static str, fn(&Ledger) -> Vec<String>);

const TABLES: [Table; 4] = [
    ("session_events", EVENTS, events),
    ("sessions", SESSIONS, sessions),
    ("status_events", INTERVALS, intervals),
    ("quantity_changes", QUANTITIES, quantities),
];

/// Waits until everything on the log is projected into the database at `url`, then compares every row.
pub async fn are_the_fold_of(ledger: &Ledger, url: &str) {
    let mut now = ledger.again().await;
    loop {
        let caught_up = format!("select seq >= {} from checkpoints where stream = 'ANDON'", now.last_seq());
        until("the projection has caught up", async || sql(url, &caught_up) == Some(vec!["t".to_owned()])).await;
        let read = |(_, query, _): Table| sql(url, &format!("{MICROSECONDS}; {query}")).expect("Postgres answers");
        let found = TABLES.map(read);
        // A session that closes itself between the two readings is in one of them only.
        let later = ledger.again().await;
        if later.last_seq() == now.last_seq() {
            for ((name, _, rows), found) in TABLES.into_iter().zip(found) {
                compare(name, found, rows(&now));
            }
            break;
        }
        now = later;
    }
    let nothing = Some(vec!["0".to_owned()]);
    assert_eq!(sql(url, "select count(*) from quarantine"), nothing, "quarantined");
    let halted = "select count(*) from sessions where halted_at_version is not null";
    assert_eq!(sql(url, halted), nothing, "halted");
}

#[track_caller]
fn compare(table: &str, mut found: Vec<String>, mut expected: Vec<String>) {
    // Both sides are sorted here: the database sorts by the rules of some language.
    expected.sort_unstable();
    found.sort_unstable();
    assert!(expected == found, "{table}: {}", difference(&expected, &found));
}

const EVENTS: &str = "select seq, event_id, session_id, version, kind, command_id, pg_temp.us(at) \
     from session_events";

fn events(ledger: &Ledger) -> Vec<String> {
    let row = |(seq, event): &(u64, SessionEvent)| {
        let SessionEvent { event_id, session_id, version, command_id, kind, at_us, .. } = event;
        format!("{seq}|{event_id}|{session_id}|{version}|{}|{}|{}", kind.name(), command_id.as_str(), at_us.as_micros())
    };
    ledger.events.iter().map(row).collect()
}

const SESSIONS: &str = "select id, worker_id, status, current_status, pg_temp.us(created_at), pg_temp.us(started_at), \
     pg_temp.us(ended_at), pg_temp.us(effective_end_at), pg_temp.us(forced_closed_at), closed_cause, total_good, total_scrap, job_number, \
     version, seq from sessions";

fn sessions(ledger: &Ledger) -> Vec<String> {
    let last: BTreeMap<_, _> = ledger.events.iter().map(|(seq, event)| (event.session_id, (seq, event))).collect();
    let row = |(seq, event): (&u64, &SessionEvent)| {
        let session = &event.state.session;
        [
            session.id.to_string(),
            session.worker_id.to_string(),
            session.status.as_str().to_owned(),
            session.current_status.as_ref().map(ToString::to_string).unwrap_or_default(),
            session.opened_at_us.as_micros().to_string(),
            session.started_at_us.as_micros().to_string(),
            optional(session.ended_at_us),
            optional(session.effective_end_at_us),
            optional(session.forced_closed_at_us),
            session.closed_cause.map(|cause| cause.as_str().to_owned()).unwrap_or_default(),
            session.total_good.to_string(),
            session.total_scrap.to_string(),
            session.names.job_number.to_string(),
            event.version.to_string(),
            seq.to_string(),
        ]
        .join("|")
    };
    last.into_values().map(row).collect()
}

const INTERVALS: &str =
    "select id, session_id, status, note, pg_temp.us(started_at), pg_temp.us(ended_at) from status_events";

fn intervals(ledger: &Ledger) -> Vec<String> {
    let mut rows = BTreeMap::new();
    for (_, event) in &ledger.events {
        for interval in event.ended.iter().chain(&event.state.session.open) {
            let row = [
                interval.id.to_string(),
                event.session_id.to_string(),
                interval.status.to_string(),
                interval.note.as_deref().unwrap_or_default().to_owned(),
                interval.started_at_us.as_micros().to_string(),
                optional(interval.ended_at_us),
            ];
            rows.insert(interval.id, row.join("|"));
        }
    }
    rows.into_values().collect()
}

const QUANTITIES: &str = "select id, session_id, status_event_id, good_delta, scrap_delta, total_good, total_scrap, \
     pg_temp.us(at) from quantity_changes";

fn quantities(ledger: &Ledger) -> Vec<String> {
    let row = |(_, event): &(u64, SessionEvent)| {
        let EventKind::QuantitiesReported { good_delta, scrap_delta, status_event_id, .. } = &event.kind else {
            return None;
        };
        let session = &event.state.session;
        Some(format!(
            "{}|{}|{status_event_id}|{good_delta}|{scrap_delta}|{}|{}|{}",
            event.event_id,
            event.session_id,
            session.total_good,
            session.total_scrap,
            event.at_us.as_micros()
        ))
    };
    ledger.events.iter().filter_map(row).collect()
}

fn optional(at: Option<TimeUs>) -> String {
    at.map(|at| at.as_micros().to_string()).unwrap_or_default()
}
