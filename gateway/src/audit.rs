//! What accounts do, written down as events of their own on the directory's stream. Edits of records need none: they
//! are their own trail.
//!
//! An entry is written after the deed. One that cannot be written at once is tried again in the background: the deed is
//! done, and is not undone because nobody can write it down.

use std::time::Duration;

use andon_nats::{Ack, Bus, Expect, HeaderMap, Publish, PublishError};
use bus_schemas::{
    Actor, Extra,
    audit::{AuditAction, AuditEntry},
    codec::{self, SCHEMA},
    directory::{Change, DirectoryEvent},
    subject::{HEADER_SCHEMA, STREAM_DIRECTORY},
};
use bytes::Bytes;
use uuid::Uuid;

use crate::{app::App, clock::wall_now};

/// Time for the first try: an answer waits for it.
const FIRST_WITHIN: Duration = Duration::from_secs(1);
/// Time for each later try.
const WITHIN: Duration = Duration::from_secs(5);
/// Later tries, `WITHIN` apart: an outage of two minutes.
const TRIES: usize = 20;

/// Writes down what an account did. `target` is the name or id of what it was done to.
pub(crate) async fn note(app: &App, actor: &Actor, action: AuditAction, target: &str, detail: Option<&str>) {
    tracing::info!(target: "andon::audit", ?actor, action = action.as_str(), on = ?target, detail = ?detail, "audit");
    let Ok((bus, _)) = app.edits() else { return };
    let entry = AuditEntry {
        id: Uuid::new_v4(),
        action,
        target: target.into(),
        detail: detail.map(Into::into),
        extra: Extra::new(),
    };
    let Some(publish) = message(actor, entry) else { return };
    if bus.publish(&publish, FIRST_WITHIN).await.is_err() {
        tokio::spawn(again(bus.clone(), publish));
    }
}

async fn again(bus: Bus, publish: Publish) {
    for _ in 0..TRIES {
        tokio::time::sleep(WITHIN).await;
        if is_written(&bus.publish(&publish, WITHIN).await) {
            return;
        }
    }
    metrics::counter!("andon_audit_lost_total").increment(1);
    tracing::error!(subject = %publish.subject, "an entry of the audit could not be written: it stands in this log alone");
}

/// Whether the entry is there: just written, or by an earlier try whose acknowledgement was lost.
const fn is_written(published: &Result<Ack, PublishError>) -> bool {
    matches!(published, Ok(_) | Err(PublishError::Moved))
}

fn message(actor: &Actor, entry: AuditEntry) -> Option<Publish> {
    let change = Change::Audit(entry);
    let subject = change.subject();
    let event = DirectoryEvent { at_us: wall_now(), actor: actor.clone(), change, extra: Extra::new() };
    let payload = codec::encode(&event).ok()?;
    let mut headers = HeaderMap::new();
    headers.insert(HEADER_SCHEMA, SCHEMA);
    let payload = Bytes::from(payload);
    // Each entry has a subject of its own: on one that holds it already a repeat is refused, however late it comes.
    Some(Publish { stream: STREAM_DIRECTORY, subject, headers, payload, expect: Expect::LastOnSubject(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_of_an_entry_is_no_second_one() {
        // given two entries of the same deed
        let entry = || AuditEntry {
            id: Uuid::new_v4(),
            action: AuditAction::SignIn,
            target: "admin".into(),
            detail: None,
            extra: Extra::new(),
        };
        let [one, other] = [entry(), entry()].map(|entry| message(&Actor::System, entry).unwrap());
        // then each is written on its own subject, and only while nothing is there
        assert_ne!(one.subject, other.subject);
        assert_eq!(one.expect, Expect::LastOnSubject(0));
        // and one that is there is written, one that may be there is not yet
        assert!(is_written(&Err(PublishError::Moved)));
        assert!(!is_written(&Err(PublishError::Unknown)));
    }
}
