//! What an integrator cannot do. Each is tried, and then the account of the roles is looked at.

use std::time::Duration;

use async_nats::HeaderMap;
use bus_schemas::{Partition, WorkerId, subject};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::plant::factory;
use super::reader::Reader;
use crate::harness::{Andon, Worker};

/// Nobody answers what goes nowhere: waiting longer would only make the test longer.
const SILENCE: Duration = Duration::from_millis(300);

/// A factory with an active session, an integrator, and somebody who may look.
struct Plant {
    /// Ends with the test.
    _andon: Andon,
    worker: Worker,
    station: String,
    integrator: Reader,
    operator: andon_nats::Bus,
}

impl Plant {
    async fn new() -> Self {
        let andon = factory().await;
        let mut worker = andon.worker("1011").await;
        let station = worker.stations().await[0]["id"].as_str().expect("text").to_owned();
        worker.open(&station, "WALL-1").await.ok();
        let integrator = Reader::connect(&andon).await;
        let config = andon.place.nats_config("operator");
        let operator = andon_nats::Bus::connect(&config, "operator").await.expect("a connection");
        Self { _andon: andon, worker, station, integrator, operator }
    }

    fn chain(&self) -> String {
        subject::session(self.worker.id.parse::<WorkerId>().expect("an id"))
    }

    /// Sequences of what must not change, and how the streams and their consumers are.
    async fn state(&self) -> Value {
        let within = Duration::from_secs(5);
        let mut claims = Vec::new();
        for partition in Partition::all() {
            let claim = self.operator.last_message("ANDON", &subject::claim(partition), within).await;
            claims.push(claim.expect("it can be read").map(|claim| claim.seq));
        }
        let mut state = json!({"claims": claims});
        for stream in ["ANDON", "ANDON_DIRECTORY", "ANDON_SEEN"] {
            let info: Value =
                self.operator.api(&format!("STREAM.INFO.{stream}"), &Value::Null, within).await.expect("it is there");
            let kept = &info["state"];
            state[stream] = json!({"config": info["config"], "created": info["created"]});
            // The engine replaces the tables of what was last seen all the time.
            if stream != "ANDON_SEEN" {
                let consumer = format!("CONSUMER.INFO.{stream}.integrator");
                let durable: Value = self.operator.api(&consumer, &Value::Null, within).await.expect("it is there");
                state[stream]["first"] = kept["first_seq"].clone();
                state[stream]["last"] = kept["last_seq"].clone();
                state[stream]["durable"] = durable["config"].clone();
            }
        }
        state
    }

    /// Sends it and waits whether anybody answers.
    async fn answer(&self, to: &str, payload: &str) -> Option<async_nats::Message> {
        let request = self.integrator.client.request(to.to_owned(), payload.to_owned().into());
        tokio::time::timeout(SILENCE, request).await.ok()?.ok()
    }

    /// Everything sent before this has reached the server.
    async fn flushed(&self) {
        self.integrator.client.flush().await.expect("a connection");
        self.integrator.ask("CONSUMER.INFO.ANDON.integrator", &Value::Null).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_publishes_no_event_claim_or_command_and_answers_none() {
    // given
    let plant = Plant::new().await;
    let before = plant.state().await;

    // when it publishes on every subject of the bus, with an event's headers
    let client = &plant.integrator.client;
    let mut headers = HeaderMap::new();
    headers.insert("Andon-Event", "closed");
    for to in [
        plant.chain(),
        "andon.v1.claim.007".to_owned(),
        "andon.v1.seen.007".to_owned(),
        "andon.v1.directory.worker.x".to_owned(),
        "andon.v1.directory.credential.x".to_owned(),
        "andon.v1.cmd.any".to_owned(),
        "andon.v1.heartbeat.any".to_owned(),
        "andon.v1.node.any".to_owned(),
        "_INBOX.gateway.any".to_owned(),
    ] {
        client.publish_with_headers(to.clone(), headers.clone(), "x".into()).await.expect("it is sent");
        assert!(plant.answer(&to, "x").await.is_none(), "{to} answers an integrator");
    }
    // and listens where commands and their answers go
    let mut heard = Vec::new();
    for to in ["andon.v1.cmd.*", "andon.v1.>", "_INBOX.gateway.>", "_INBOX.>", "$JS.>", ">"] {
        heard.push(client.subscribe(to).await.expect("it is sent"));
    }
    plant.worker.heartbeat().await.ok();
    plant.worker.checklist(&plant.station, "start").await.ok();

    // then only the worker's own event was stored, and nothing was heard
    let after = plant.state().await;
    assert_eq!(before["claims"], after["claims"]);
    assert_eq!(before["ANDON_DIRECTORY"], after["ANDON_DIRECTORY"]);
    let last = |state: &Value| state["ANDON"]["last"].as_u64().expect("a sequence");
    assert_eq!(last(&after), last(&before) + 1);
    for mut subscription in heard {
        let message = tokio::time::timeout(SILENCE, subscription.next()).await;
        assert!(!matches!(message, Ok(Some(_))), "{message:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reply_subject_reaches_a_claim_or_a_chain() {
    // given
    let plant = Plant::new().await;
    plant.flushed().await;
    let before = plant.state().await;
    let chain = plant.chain();
    let one = json!({"last_by_subj": chain}).to_string();
    let batch = json!({"batch": 1, "no_wait": true}).to_string();

    // when it asks for everything it may ask for, with what it must not touch as the reply
    for target in ["andon.v1.claim.007", &chain, "andon.v1.directory.worker.x", "andon.v1.seen.007"] {
        for (to, body) in [
            ("ANDON.API.CONSUMER.INFO.ANDON.integrator", ""),
            ("ANDON.API.CONSUMER.INFO.ANDON_DIRECTORY.integrator", ""),
            ("ANDON.API.CONSUMER.MSG.NEXT.ANDON.integrator", &batch),
            ("ANDON.API.CONSUMER.MSG.NEXT.ANDON_DIRECTORY.integrator", &batch),
            ("ANDON.API.CONSUMER.RESET.ANDON_DIRECTORY.integrator", "{\"seq\":1}"),
            ("ANDON.API.DIRECT.GET.ANDON", &one),
            ("ANDON.API.DIRECT.GET.ANDON", "{\"multi_last\":[\"andon.v1.claim.*\"]}"),
            ("ANDON.API.DIRECT.GET.ANDON_DIRECTORY.andon.v1.directory.import.*", ""),
            ("$JS.ACK.ANDON.integrator.1.1.1.1.1", "+NXT 1"),
            ("$JS.ACK.ANDON_DIRECTORY.integrator.1.1.1.1.1", "+NXT 1"),
            ("$JS.API.INFO", ""),
        ] {
            let client = &plant.integrator.client;
            client.publish_with_reply(to, target.to_owned(), body.to_owned().into()).await.expect("it is sent");
        }
    }
    plant.flushed().await;

    // then nothing was written
    assert_eq!(before, plant.state().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_makes_changes_and_deletes_nothing_in_jetstream() {
    // given
    let plant = Plant::new().await;
    let before = plant.state().await;
    let wide = json!({"stream_name": "ANDON_DIRECTORY", "action": "", "config":
        {"durable_name": "integrator", "name": "integrator", "ack_policy": "explicit", "filter_subject": "andon.v1.directory.>"}})
    .to_string();
    let delete = json!({"seq": 1}).to_string();

    // when it tries, by the roles' prefix and by its own
    for prefix in ["$JS.API", "ANDON.API"] {
        for (what, body) in [
            ("STREAM.CREATE.OTHER", "{\"name\":\"OTHER\",\"subjects\":[\"other\"]}"),
            ("STREAM.UPDATE.ANDON", "{\"name\":\"ANDON\"}"),
            ("STREAM.DELETE.ANDON", ""),
            ("STREAM.PURGE.ANDON", "{}"),
            ("STREAM.PURGE.ANDON_DIRECTORY", "{}"),
            ("STREAM.MSG.DELETE.ANDON", &delete),
            ("CONSUMER.CREATE.ANDON_DIRECTORY.integrator", &wide),
            ("CONSUMER.CREATE.ANDON_DIRECTORY.other", &wide),
            ("CONSUMER.CREATE.ANDON_DIRECTORY", &wide),
            ("CONSUMER.DURABLE.CREATE.ANDON_DIRECTORY.integrator", &wide),
            ("CONSUMER.PAUSE.ANDON.integrator", "{\"pause_until\":\"2999-01-01T00:00:00Z\"}"),
            ("CONSUMER.DELETE.ANDON.integrator", ""),
            ("CONSUMER.DELETE.ANDON_DIRECTORY.integrator", ""),
            ("CONSUMER.RESET.ANDON.integrator", "{\"seq\":1}"),
            ("CONSUMER.LIST.ANDON", ""),
            ("STREAM.LEADER.STEPDOWN.ANDON", ""),
        ] {
            let to = format!("{prefix}.{what}");
            assert!(plant.answer(&to, body).await.is_none(), "{to} answers an integrator");
        }
    }

    // then all is as it was
    assert_eq!(before, plant.state().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_no_code_and_no_revocation() {
    // given a worker whose code is known, and a token that was revoked by signing out
    let plant = Plant::new().await;
    plant.worker.client.post("/api/workers/logout", &json!({})).await;
    let id = &plant.worker.id;
    let by_body = json!({"last_by_subj": format!("andon.v1.directory.credential.{id}")}).to_string();
    let wild = json!({"multi_last": ["andon.v1.directory.>"]}).to_string();

    // when it asks for them in every way, also by subjects with wildcards
    let direct = |subject: &str| format!("DIRECT.GET.ANDON_DIRECTORY.andon.v1.directory.{subject}");
    let mut asked = vec![
        (direct(&format!("credential.{id}")), ""),
        (direct("credential.*"), ""),
        (direct("credential.>"), ""),
        (direct("revoked.*"), ""),
        (direct("audit.*"), ""),
        (direct("*.*"), ""),
        (direct(&format!("*.{id}")), ""),
        (direct(">"), ""),
        ("DIRECT.GET.ANDON_DIRECTORY".to_owned(), by_body.as_str()),
        ("DIRECT.GET.ANDON_DIRECTORY".to_owned(), wild.as_str()),
        ("STREAM.MSG.GET.ANDON_DIRECTORY".to_owned(), by_body.as_str()),
    ];
    asked.push(("DIRECT.GET.ANDON_DIRECTORY.>".to_owned(), ""));

    // then nobody answers
    for (what, body) in asked {
        for prefix in ["$JS.API", "ANDON.API"] {
            let answer = plant.answer(&format!("{prefix}.{what}"), body).await;
            assert!(answer.is_none(), "{prefix}.{what}: {answer:?}");
        }
    }
    // and the log, which it may read whole, gives nothing of another stream
    let asked = plant.integrator.client.request("ANDON.API.DIRECT.GET.ANDON", by_body.into());
    let log = asked.await.expect("an answer");
    assert_eq!(log.status.map(|status| status.as_u16()), Some(404));
}
