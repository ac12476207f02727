//! Messages of a running factory, captured, fit the schemas that are checked in.

use std::collections::BTreeMap;
use std::path::Path;

use andon_nats::{Bus, Followed, Follower, Start};
use bus_schemas::{schema, subject};
use futures::StreamExt as _;
use serde_json::Value;

use super::plant::factory;
use crate::harness::{Andon, until};

/// Validators of the files in `bus-schemas/schemas`, and how many messages each has seen.
struct Schemas {
    validators: BTreeMap<&'static str, jsonschema::Validator>,
    seen: BTreeMap<&'static str, usize>,
}

impl Schemas {
    fn checked_in() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bus-schemas/schemas");
        let validator = |name: &'static str| {
            let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect("it is checked in");
            let schema: Value = serde_json::from_str(&text).expect("JSON");
            (name, jsonschema::validator_for(&schema).expect("a schema"))
        };
        let validators = schema::MESSAGES.iter().map(|message| validator(message.name)).collect();
        Self { validators, seen: BTreeMap::new() }
    }

    fn fit(&mut self, name: &'static str, payload: &[u8]) {
        let rendered = schema::render(payload).expect("MessagePack");
        let problems: Vec<_> = self.validators[name].iter_errors(&rendered).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{name}: {problems:?}\n{rendered:#}");
        *self.seen.entry(name).or_default() += 1;
    }
}

/// Everything on a stream, with its subject.
async fn stored(andon: &Andon, stream: &'static str, filter: &str) -> Vec<andon_nats::StoredMessage> {
    let bus = Bus::connect(&andon.place.nats_config("persistence"), "persistence").await.expect("a connection");
    let mut follower = Follower::new(bus, stream, vec![filter.to_owned()], Start::Sequence(1));
    let mut stored = Vec::new();
    loop {
        match follower.next().await {
            Followed::Message(message) => stored.push(message),
            Followed::CaughtUp => return stored,
            Followed::Interrupted(why) => panic!("{why}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_message_of_a_running_factory_fits_its_schema() {
    // given somebody who hears what gateways and engines say to each other
    let andon = factory().await;
    let (engine, gateway) = (andon.place.nats("engine").await, andon.place.nats("gateway").await);
    let mut asked = Vec::new();
    for to in ["andon.v1.cmd.*", "andon.v1.heartbeat.*", "andon.v1.node.*"] {
        asked.push(engine.subscribe(to).await.expect("it is sent"));
    }
    let mut answered = gateway.subscribe("_INBOX.gateway.>").await.expect("it is sent");
    engine.flush().await.expect("a connection");
    gateway.flush().await.expect("a connection");

    // when workers work, and one is refused something
    let mut worker = andon.worker("1011").await;
    let station = worker.stations().await[0]["id"].as_str().expect("text").to_owned();
    worker.open(&station, "SCHEMA-1").await.ok();
    worker.status("production").await.refused(409);
    worker.checklist(&station, "start").await.ok();
    worker.status("production").await.ok();
    worker.quantities(3, 1).await.ok();
    worker.heartbeat().await.ok();
    worker.open(&station, "SCHEMA-2").await.ok();
    until("the last-seen tables are there", async || {
        !stored(&andon, subject::STREAM_SEEN, subject::SEEN).await.is_empty()
    })
    .await;

    // then all that was said fits
    let mut schemas = Schemas::checked_in();
    let mut replies: BTreeMap<String, &'static str> = BTreeMap::new();
    for subscription in &mut asked {
        subscription.unsubscribe().await.expect("it is sent");
        while let Some(message) = subscription.next().await {
            let (name, reply) = match message.subject.split('.').nth(2) {
                Some("cmd") => ("command", "reply"),
                Some("heartbeat") => ("heartbeat", "heartbeat-ack"),
                // What nodes tell each other.
                _ if message.subject.as_str() == subject::NODES => {
                    schemas.fit("node-status", &message.payload);
                    continue;
                }
                _ => {
                    replies.extend(message.reply.map(|to| (to.to_string(), "node-status")));
                    continue;
                }
            };
            replies.extend(message.reply.map(|to| (to.to_string(), reply)));
            schemas.fit(name, &message.payload);
        }
    }
    answered.unsubscribe().await.expect("it is sent");
    while let Some(message) = answered.next().await {
        if let Some(name) = replies.get(message.subject.as_str()) {
            schemas.fit(name, &message.payload);
        }
    }
    // and so does all that was stored
    for (stream, filter, name) in [
        (subject::STREAM_LOG, subject::SESSIONS, "session-event"),
        (subject::STREAM_LOG, subject::CLAIMS, "claim"),
        (subject::STREAM_DIRECTORY, subject::DIRECTORY, "directory-event"),
        (subject::STREAM_SEEN, subject::SEEN, "last-seen"),
    ] {
        for message in stored(&andon, stream, filter).await {
            schemas.fit(name, &message.payload);
        }
    }
    // One node alone asks nobody for partitions.
    for name in schemas.validators.keys().filter(|name| **name != "hand-over") {
        assert!(schemas.seen.contains_key(name), "no {name} was captured: {:?}", schemas.seen);
    }
}
