//! An event as one JSON object: the names of records, times as RFC 3339, and nothing that a terminal would act upon.

use andon_nats::StoredMessage;
use bus_schemas::{Actor, EventKind, Interval, SessionEvent};
use serde_json::{Value, json};

use super::line::time;
use crate::printable::printable_json;

/// The object of an event.
pub fn event(message: &StoredMessage, event: &SessionEvent) -> String {
    let session = &event.state.session;
    let names = &session.names;
    let mut object = json!({
        "seq": message.seq,
        "at": time(event.at_us),
        "event": event.kind.name(),
        "event_id": event.event_id,
        "session_id": event.session_id,
        "version": event.version,
        "command_id": event.command_id,
        "actor": actor(&event.actor),
        "worker": {"id": session.worker_id, "full_name": names.worker},
        "station": {"id": session.station_id, "code": names.station_code, "name": names.station},
        "job": {"id": session.job_id, "job_number": names.job_number},
        "status": session.status,
        "current_status": session.current_status,
        "total_good": session.total_good,
        "total_scrap": session.total_scrap,
        "open": session.open.as_ref().map(interval),
        "ended": event.ended.iter().map(interval).collect::<Vec<_>>(),
    });
    add_own_fields(&mut object, &event.kind);
    printable_json(object.to_string())
}

/// The object of a message that cannot be read.
pub fn unreadable(message: &StoredMessage, why: &str) -> String {
    let object = json!({
        "seq": message.seq,
        "at": time(message.time_us),
        "subject": message.subject,
        "unreadable": why,
    });
    printable_json(object.to_string())
}

fn add_own_fields(object: &mut Value, kind: &EventKind) {
    match kind {
        EventKind::Opened { replaces } => object["replaces"] = json!(replaces),
        EventKind::ChecklistCompleted { list, items } => {
            object["list"] = json!(list);
            object["items"] = json!(items);
        }
        EventKind::QuantitiesReported { good_delta, scrap_delta, reason_id, .. } => {
            object["good_delta"] = json!(good_delta);
            object["scrap_delta"] = json!(scrap_delta);
            object["reason_id"] = json!(reason_id);
        }
        EventKind::Closed { cause, note } => {
            object["closed_cause"] = json!(cause);
            object["note"] = json!(note);
        }
        EventKind::StatusChanged | EventKind::Carried => {}
    }
}

fn actor(actor: &Actor) -> Value {
    match actor {
        Actor::Worker(id) => json!({"worker": id}),
        Actor::Admin(name) => json!({"admin": name}),
        Actor::System => json!("system"),
    }
}

fn interval(interval: &Interval) -> Value {
    json!({
        "id": interval.id,
        "status": interval.status,
        "reason_id": interval.reason_id,
        "note": interval.note,
        "started_at": time(interval.started_at_us),
        "ended_at": interval.ended_at_us.map(time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::line::tests::opened;

    #[test]
    fn an_event_is_one_line_of_json_with_the_names_of_records() {
        let opened = opened("Noa\u{1b} \"Levi\"\n");
        let message = StoredMessage {
            subject: "a.subject".into(),
            seq: 7,
            time_us: opened.at_us,
            headers: andon_nats::HeaderMap::new(),
            payload: bytes::Bytes::new(),
        };
        let text = event(&message, &opened);
        assert!(!text.contains(char::is_control), "{text}");
        let object: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(object["seq"], 7);
        assert_eq!(object["at"], "2025-08-01T06:00:00.500Z");
        assert_eq!(object["event"], "opened");
        assert_eq!(object["worker"]["full_name"], "Noa\u{1b} \"Levi\"\n");
        assert_eq!(object["current_status"], "stopped");
        assert_eq!(object["open"]["ended_at"], Value::Null);
    }
}
