//! What every message looks like, for readers in other languages: JSON Schema of each and one AsyncAPI document,
//! generated from the types and checked in below `schemas/`.
//!
//! A schema describes the JSON rendering of a message ([`render()`]), which differs from the MessagePack on the wire in
//! one thing: JSON has no bytes. A UUID, 16 bytes on the wire, is hyphenated lower-case text in JSON; other bytes (the
//! ring) are base64. What is so says it by `x-msgpack`. Times are whole microseconds in both, in fields that end in
//! `_us`.

mod asyncapi;
mod messages;
mod render;
mod tidy;
mod types;

use std::collections::BTreeMap;

use serde_json::Value;

pub use asyncapi::asyncapi;
pub use messages::{MESSAGES, Message};
pub use render::render;

/// What a newer minor version may add: any field.
pub type NewerFields = BTreeMap<String, Value>;

/// Every document by its file name in `schemas/`.
#[must_use]
pub fn documents() -> BTreeMap<String, Value> {
    let schemas = MESSAGES.iter().map(|message| (format!("{}.json", message.name), message.schema()));
    schemas.chain([("asyncapi.json".to_owned(), asyncapi())]).collect()
}
