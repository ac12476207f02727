//! The messages: what travels where.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::Value;

use super::tidy;
use crate::{
    Claim, Command, HandOver, NodeStatus, Reply, SessionEvent,
    directory::DirectoryEvent,
    heartbeat::{HeartbeatAck, HeartbeatMessage},
    seen::LastSeen,
};

/// A message of the contract.
pub struct Message {
    /// Its name, and that of its file.
    pub name: &'static str,
    /// Its type's name in the documents.
    pub type_name: &'static str,
    /// Adds its schema, and those it refers to, to a generator; returns a reference.
    pub add: fn(&mut SchemaGenerator) -> Value,
    root: fn(SchemaGenerator) -> Value,
}

const fn message<T: JsonSchema>(name: &'static str, type_name: &'static str) -> Message {
    Message {
        name,
        type_name,
        add: |generator| generator.subschema_for::<T>().to_value(),
        root: |generator| generator.into_root_schema_for::<T>().to_value(),
    }
}

/// Every message.
pub const MESSAGES: &[Message] = &[
    message::<SessionEvent>("session-event", "SessionEvent"),
    message::<Claim>("claim", "Claim"),
    message::<DirectoryEvent>("directory-event", "DirectoryEvent"),
    message::<LastSeen>("last-seen", "LastSeen"),
    message::<Command>("command", "Command"),
    message::<Reply>("reply", "Reply"),
    message::<HeartbeatMessage>("heartbeat", "HeartbeatMessage"),
    message::<HeartbeatAck>("heartbeat-ack", "HeartbeatAck"),
    message::<HandOver>("hand-over", "HandOver"),
    message::<NodeStatus>("node-status", "NodeStatus"),
];

impl Message {
    /// Its JSON Schema (2020-12), whole in itself.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut schema = (self.root)(SchemaSettings::draft2020_12().into_generator());
        schema["$id"] = format!("urn:andon:v1:{}", self.name).into();
        tidy::tidy(&mut schema);
        schema
    }
}
