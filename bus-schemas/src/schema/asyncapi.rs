//! The AsyncAPI 3 document: which message goes where, who sends it, and how an integrator reads it.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{messages::MESSAGES, tidy};
use crate::{codec, subject};

/// A subject with parameters.
struct Channel {
    name: &'static str,
    address: &'static str,
    /// Names of [`MESSAGES`].
    messages: &'static [&'static str],
    /// The answer, where it is request and reply.
    reply: Option<&'static str>,
    stream: Option<&'static str>,
    /// The role that publishes there.
    sender: &'static str,
    headers: Option<&'static str>,
    description: &'static str,
}

const EVENT_HEADERS: &str = "EventHeaders";
const DIRECTORY_HEADERS: &str = "SchemaHeader";

const CHANNELS: &[Channel] = &[
    Channel {
        name: "session",
        address: subject::address::SESSION,
        messages: &["session-event"],
        reply: None,
        stream: Some(subject::STREAM_LOG),
        sender: "engine",
        headers: Some(EVENT_HEADERS),
        description: "What happens to the sessions of a worker, each event with the state after it. The last message is \
                      the worker's current or latest session, whole. Its sequences form a compare-and-set chain. Read \
                      it from the stream: a plain subscription also sees publishes that the server then refused.",
    },
    Channel {
        name: "claim",
        address: subject::address::CLAIM,
        messages: &["claim"],
        reply: None,
        stream: Some(subject::STREAM_LOG),
        sender: "engine",
        headers: Some(DIRECTORY_HEADERS),
        description: "Who owns a partition: compare-and-set on the claim before it.",
    },
    Channel {
        name: "directory",
        address: subject::address::DIRECTORY,
        messages: &["directory-event"],
        reply: None,
        stream: Some(subject::STREAM_DIRECTORY),
        sender: "gateway",
        headers: Some(DIRECTORY_HEADERS),
        description: "Records of the directory as they are now, or their removal. An import changes many at once, on a \
                      subject of its own: a record is what the newest of both says. Integrators cannot read the kinds \
                      credential, revoked and audit.",
    },
    Channel {
        name: "seen",
        address: subject::address::SEEN,
        messages: &["last-seen"],
        reply: None,
        stream: Some(subject::STREAM_SEEN),
        sender: "engine",
        headers: None,
        description: "When each active session of a partition was last seen, every 15 s, last value only. Not for \
                      integrators.",
    },
    Channel {
        name: "command",
        address: subject::address::COMMAND,
        messages: &["command"],
        reply: Some("reply"),
        stream: None,
        sender: "gateway",
        headers: None,
        description: "Commands to the node that owns the worker's partition. Not for integrators.",
    },
    Channel {
        name: "heartbeat",
        address: subject::address::HEARTBEAT,
        messages: &["heartbeat"],
        reply: Some("heartbeat-ack"),
        stream: None,
        sender: "gateway",
        headers: None,
        description: "Heartbeats from gateways to an owner, and the owner's echo to itself. The batch that is sent once \
                      a second is answered. Not for integrators.",
    },
    Channel {
        name: "node",
        address: subject::address::NODE,
        messages: &["hand-over"],
        reply: Some("node-status"),
        stream: None,
        sender: "gateway",
        headers: None,
        description: "Whether a node lives: an empty request, answered by its status. Another node asks for partitions \
                      that it has read. Not for integrators.",
    },
    Channel {
        name: "nodes",
        address: subject::address::NODES,
        messages: &["node-status"],
        reply: None,
        stream: None,
        sender: "engine",
        headers: None,
        description: "What every node tells all others of itself, twice a second. Not for integrators.",
    },
];

/// The document.
#[must_use]
pub fn asyncapi() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    for message in MESSAGES {
        (message.add)(&mut generator);
    }
    let mut schemas: Map<String, Value> = generator.take_definitions(true);
    schemas.insert(EVENT_HEADERS.to_owned(), event_headers());
    schemas.insert(DIRECTORY_HEADERS.to_owned(), json!({"type": "object", "properties": schema_header()}));
    let mut document = json!({
        "asyncapi": "3.0.0",
        "id": "urn:andon:v1",
        "info": {
            "title": "Andon on NATS",
            "version": codec::SCHEMA,
            "description": "Everything that happens on a shop floor, as messages on NATS JetStream. Payloads are MessagePack \
                maps with named fields; the schemas describe them as JSON, where a UUID (16 bytes) is hyphenated text and \
                other bytes are base64 (x-msgpack says which). Inside v1 it changes by new optional fields only: readers \
                ignore what they do not know.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/x-msgpack",
        "channels": channels(),
        "operations": operations(),
        "components": {"messages": messages(), "schemas": schemas, "parameters": parameters()},
    });
    tidy::tidy(&mut document);
    document
}

fn channels() -> Map<String, Value> {
    let mut channels = Map::new();
    for channel in CHANNELS {
        let messages = channel.messages.iter().map(|name| ((*name).to_owned(), reference("messages", name)));
        let mut entry = json!({
            "address": channel.address,
            "description": channel.description,
            "messages": messages.collect::<Map<_, _>>(),
            "parameters": channel_parameters(channel.address),
        });
        if let Some(stream) = channel.stream {
            entry["x-stream"] = stream.into();
        } else if channel.messages.is_empty() {
            entry["messages"] = json!({"empty": reference("messages", "empty")});
        }
        channels.insert(channel.name.to_owned(), entry);
        if let Some(reply) = channel.reply {
            // The address is the request's reply subject.
            let messages = json!({reply: reference("messages", reply)});
            channels.insert(format!("{}-reply", channel.name), json!({"address": null, "messages": messages}));
        }
    }
    channels
}

fn operations() -> Map<String, Value> {
    let operation = |channel: &Channel| {
        let mut operation = json!({
            "action": "send",
            "channel": {"$ref": format!("#/channels/{}", channel.name)},
            "summary": format!("Sent by the {}", channel.sender),
        });
        if channel.reply.is_some() {
            operation["reply"] = json!({
                "address": {"location": "$message.header#/reply", "description": "The reply subject of the request."},
                "channel": {"$ref": format!("#/channels/{}-reply", channel.name)},
            });
        }
        (format!("send-{}", channel.name), operation)
    };
    CHANNELS.iter().map(operation).collect()
}

fn messages() -> Map<String, Value> {
    let headers = |name: &str| {
        let channel = CHANNELS.iter().find(|channel| channel.messages.contains(&name));
        channel.and_then(|channel| channel.headers)
    };
    let message = |message: &super::Message| {
        let mut entry = json!({
            "name": message.type_name,
            "payload": reference("schemas", message.type_name),
        });
        if let Some(headers) = headers(message.name) {
            entry["headers"] = reference("schemas", headers);
        }
        (message.name.to_owned(), entry)
    };
    let empty = json!({"name": "Empty", "description": "No payload at all.", "payload": {"type": "null"}});
    MESSAGES.iter().map(message).chain([("empty".to_owned(), empty)]).collect()
}

fn parameters() -> Value {
    json!({
        "partition": {"description": "xxh3_64 of the worker's id (its hyphenated lower-case text) modulo 256, three digits: 007."},
        "worker_id": {"description": "The worker's id, hyphenated lower-case text."},
        "node_id": {"description": "An engine node: its configured name and a random part per start."},
        "kind": {
            "description": "What the record is. An import carries many records of the other kinds; an audit says what an account did.",
            "enum": ["worker", "station", "job", "reason", "status", "credential", "revoked", "import", "audit"],
        },
        "id": {"description": "The record's id, or the import's."},
    })
}

fn channel_parameters(address: &str) -> Map<String, Value> {
    let tokens = address.split('.').filter_map(|token| token.strip_prefix('{')?.strip_suffix('}'));
    tokens.map(|token| (token.to_owned(), reference("parameters", token))).collect()
}

fn event_headers() -> Value {
    let mut properties = schema_header();
    properties[subject::HEADER_EVENT_ID] =
        json!({"type": "string", "format": "uuid", "description": "The event's id, as text."});
    properties[subject::HEADER_EVENT] = json!({"type": "string", "description": "The name of what happened."});
    properties[subject::HEADER_TRACE] = json!({"type": "string", "description": "W3C trace context of the command."});
    properties["Nats-Expected-Last-Subject-Sequence"] =
        json!({"type": "string", "description": "The worker's message that this one follows, by stream sequence."});
    let required = [subject::HEADER_EVENT_ID, subject::HEADER_EVENT, subject::HEADER_SCHEMA];
    json!({"type": "object", "required": required, "properties": properties})
}

fn schema_header() -> Value {
    json!({subject::HEADER_SCHEMA: {"type": "string", "pattern": "^[0-9]+\\.[0-9]+$",
        "description": "Major and minor version of the message. Refuse another major one."}})
}

fn reference(component: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{component}/{name}")})
}
