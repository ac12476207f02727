//! An event as a line for people.

use andon_nats::StoredMessage;
use bus_schemas::{Actor, EventKind, Interval, Session, SessionEvent, TimeUs};
use chrono::{DateTime, SecondsFormat};
use std::time::Duration;

use crate::printable::printable;

/// The line of an event: when, who, where, on what, what happened, and how things stand after it.
pub fn event(event: &SessionEvent) -> String {
    let names = &event.state.session.names;
    format!(
        "{}  {:<18} {:<8} {:<12} {}{}  [{}]",
        time(event.at_us),
        printable(&names.worker),
        printable(&names.station_code),
        printable(&names.job_number),
        what(event),
        by(&event.actor),
        standing(&event.state.session),
    )
}

/// The line of a message that cannot be read.
pub fn unreadable(message: &StoredMessage, why: &str) -> String {
    let (seq, subject) = (message.seq, printable(&message.subject));
    format!("{}  message {seq} on {subject} cannot be read: {}", time(message.time_us), printable(why))
}

/// RFC 3339 in UTC with milliseconds; a time that no calendar has stays a number.
pub fn time(at: TimeUs) -> String {
    DateTime::from_timestamp_micros(at.as_micros())
        .map_or_else(|| format!("{at:?}"), |at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn what(event: &SessionEvent) -> String {
    match &event.kind {
        EventKind::Opened { replaces: None } => "opened".to_owned(),
        EventKind::Opened { replaces: Some(replaced) } => format!("opened, replacing {replaced}"),
        EventKind::ChecklistCompleted { list, items } => {
            format!("{} checklist done ({} items)", list.as_str(), items.len())
        }
        EventKind::StatusChanged => status_changed(event),
        EventKind::QuantitiesReported { good_delta, scrap_delta, .. } => {
            format!("good {good_delta:+}, scrap {scrap_delta:+}")
        }
        EventKind::Closed { cause, note } => {
            let note = note.as_deref().map(|note| format!(": {}", printable(note)));
            format!("closed ({}{})", cause.as_str(), note.unwrap_or_default())
        }
        EventKind::Carried => "carried forward in the log".to_owned(),
    }
}

fn status_changed(event: &SessionEvent) -> String {
    let Some(now) = &event.state.session.open else { return "status changed".to_owned() };
    let mut text = format!("→ {}", now.status);
    if let Some(note) = &now.note {
        text.push_str(&format!(" “{}”", printable(note)));
    }
    if let Some(before) = event.ended.last() {
        text.push_str(&format!(" after {} of {}", length(before), before.status));
    }
    text
}

fn length(interval: &Interval) -> humantime::FormattedDuration {
    let length = interval.ended_at_us.map_or(Duration::ZERO, |end| end.since(interval.started_at_us));
    humantime::format_duration(Duration::from_secs(length.as_secs()))
}

/// Who did it, when it was not the worker.
fn by(actor: &Actor) -> String {
    match actor {
        Actor::Worker(_) | Actor::System => String::new(),
        Actor::Admin(name) => format!(" by {}", printable(name)),
    }
}

fn standing(session: &Session) -> String {
    let status = session.current_status.as_ref().filter(|_| session.is_active());
    let status = match status {
        Some(status) => status.as_str(),
        None if session.is_active() => "not started",
        None => session.status.as_str(),
    };
    format!("{status}, {} good, {} scrap", session.total_good, session.total_scrap)
}

#[cfg(test)]
pub(super) mod tests {
    use bus_schemas::{
        Command, CommandBody, CommandId, Extra, StationId, WorkerId, WorkerState,
        command::QuantityReport,
        directory::{Change, Directory, DirectoryEvent, Record},
        records::{Assignment, Language, Station, StationType, Worker, WorkerRole},
    };
    use engine::session::{Ask, Context, Decision, apply, decide};
    use uuid::Uuid;

    use super::*;

    const START: TimeUs = TimeUs::from_micros(1_754_028_000_500_000);
    const WORKER: WorkerId = WorkerId(Uuid::from_u128(1));
    const STATION: StationId = StationId(Uuid::from_u128(2));

    fn directory(name: &str) -> Directory {
        let worker = Worker {
            id: WORKER,
            full_name: name.into(),
            language: Language::Auto,
            role: WorkerRole::Worker,
            is_active: true,
            assignments: vec![Assignment { station_id: STATION, created_at_us: START }],
            created_at_us: START,
            updated_at_us: START,
            extra: Extra::new(),
        };
        let station = Station {
            id: STATION,
            name: "Press".into(),
            code: "OFF-1".into(),
            station_type: StationType::Offset,
            is_active: true,
            start_checklist: Vec::new(),
            end_checklist: Vec::new(),
            created_at_us: START,
            updated_at_us: START,
            extra: Extra::new(),
        };
        let mut directory = Directory::default();
        let records = vec![Record::Worker(worker), Record::Station(station)];
        let change = Change::Import { id: Uuid::from_u128(3), records };
        directory.apply(1, DirectoryEvent { at_us: START, actor: Actor::System, change, extra: Extra::new() });
        directory
    }

    /// What the engine makes of this command, `after_s` seconds after the start.
    fn made(name: &str, state: Option<&WorkerState>, after_s: u64, body: CommandBody) -> SessionEvent {
        let id: CommandId = format!("command-{after_s}").parse().expect("an id");
        let actor = match body {
            CommandBody::AdminClose { .. } => Actor::Admin("dana".into()),
            _ => Actor::Worker(WORKER),
        };
        let command = Command {
            id,
            worker_id: WORKER,
            actor,
            expires_at_us: START,
            directory_seq: 1,
            gateway_id: Uuid::from_u128(4),
            reported_at_us: None,
            body,
        };
        let now = START.after(Duration::from_secs(after_s));
        let context = Context { directory: &directory(name), now, deadline: None };
        match decide(state, &Ask::Command(&command), &context) {
            Ok(Decision::Publish(mut events)) => events.pop().expect("an event"),
            other => panic!("no event: {other:?}"),
        }
    }

    /// The opening of a session of a worker with this name.
    pub(in crate::tail) fn opened(name: &str) -> SessionEvent {
        made(name, None, 0, CommandBody::Open { station_id: STATION, job_number: "24-1001".into() })
    }

    #[test]
    fn a_shift_reads_as_what_happened() {
        // given a session
        let open = opened("Noa Levi");
        let session_id = open.session_id;
        let mut state = apply(None, &open, 1);
        let mut lines = vec![event(&open)];

        // when something happens to it
        let status = |status: &str, note: Option<&str>| CommandBody::Status {
            session_id,
            status: status.parse().expect("a status"),
            reason_id: None,
            note: note.map(Into::into),
            image_url: None,
        };
        let good = QuantityReport::Deltas { good: Some(50), scrap: None, reason_id: None };
        let deeds = [
            (75, status("production", None)),
            (80, CommandBody::Quantities { session_id, report: good }),
            (90, status("fault", Some("jam\nagain"))),
            (95, CommandBody::AdminClose { session_id }),
        ];
        for (seq, (at, body)) in (2..).zip(deeds) {
            let next = made("Noa Levi", Some(&state), at, body);
            state = apply(Some(&state), &next, seq);
            lines.push(event(&next));
        }

        // then
        let lines: Vec<_> = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[0], "2025-08-01T06:00:00.500Z Noa Levi OFF-1 24-1001 opened [stopped, 0 good, 0 scrap]");
        assert!(lines[1].contains("→ production after 1m 15s of stopped [production, 0 good, 0 scrap]"), "{lines:?}");
        assert!(lines[2].contains("good +50, scrap +0 [production, 50 good, 0 scrap]"), "{lines:?}");
        assert!(lines[3].contains("→ fault “jam\\nagain” after 15s of production"), "{lines:?}");
        assert!(lines[4].contains("closed (admin: admin-close) by dana [completed, 50 good, 0 scrap]"), "{lines:?}");
    }

    #[test]
    fn a_name_cannot_act_on_the_terminal() {
        let line = event(&opened("\u{1b}[2JNoa\u{202e}"));
        assert!(line.contains("\\u{1b}[2JNoa\\u{202e}"), "{line}");
    }
}
