//! What accounts do, written down as events of their own on the directory's stream. Edits of records need none: they
//! are their own trail.
//!
//! An entry is written after the deed. One that cannot be written at once is tried again in the background: the deed is
//! done, and is not undone because nobody can write it down.

use std::time::Duration;

use andon_nats::{Bus, Expect, HeaderMap, Publish};
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
/// Later tries, `WITHIN` apart: an outage of two minutes, in which the server still knows an entry by its id.
const TRIES: usize = 20;
/// The server keeps one message of an id within its window: a repeat after a lost acknowledgement is no second entry.
const HEADER_MESSAGE_ID: &str = "Nats-Msg-Id";

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
        if bus.publish(&publish, WITHIN).await.is_ok() {
            return;
        }
    }
    metrics::counter!("andon_audit_lost_total").increment(1);
    tracing::error!(subject = %publish.subject, "an entry of the audit could not be written: it stands in this log alone");
}

fn message(actor: &Actor, entry: AuditEntry) -> Option<Publish> {
    let id = entry.id.to_string();
    let change = Change::Audit(entry);
    let subject = change.subject();
    let event = DirectoryEvent { at_us: wall_now(), actor: actor.clone(), change, extra: Extra::new() };
    let payload = codec::encode(&event).ok()?;
    let mut headers = HeaderMap::new();
    headers.insert(HEADER_SCHEMA, SCHEMA);
    headers.insert(HEADER_MESSAGE_ID, id.as_str());
    let payload = Bytes::from(payload);
    Some(Publish { stream: STREAM_DIRECTORY, subject, headers, payload, expect: Expect::Anything })
}
