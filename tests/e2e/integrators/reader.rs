//! An integrator's program as it is written without a library for JetStream: requests, and answers to an inbox.

use std::time::Duration;

use async_nats::{Client, HeaderMap, Message};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::harness::Andon;

/// Time for an answer that comes at all.
const WITHIN: Duration = Duration::from_secs(5);
/// Messages asked for at once.
const BATCH: usize = 500;

/// A connected integrator.
pub struct Reader {
    /// Its connection.
    pub client: Client,
}

/// A message read.
pub struct Read {
    /// Of the stream.
    pub subject: String,
    /// Of the stream.
    pub seq: u64,
    /// MessagePack.
    pub payload: bytes::Bytes,
}

impl Reader {
    /// Connects with what `andon admin nats-credentials integrator` prints.
    pub async fn connect(andon: &Andon) -> Self {
        let credentials = credentials(andon);
        let text = |name: &str| credentials[name].as_str().expect("text").to_owned();
        let options = async_nats::ConnectOptions::with_user_and_password(text("user"), text("password"))
            .custom_inbox_prefix(text("inbox_prefix"));
        let client = options.connect(text("url")).await.expect("nats-server takes the credentials");
        Self { client }
    }

    /// Asks the JetStream API; `None` when nobody answers or it is not allowed.
    pub async fn api(&self, what: &str, body: &Value) -> Option<Message> {
        let payload = if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() };
        let request = self.client.request(format!("ANDON.API.{what}"), payload);
        tokio::time::timeout(WITHIN, request).await.ok()?.ok()
    }

    /// The same, as JSON.
    pub async fn ask(&self, what: &str, body: &Value) -> Value {
        let answer = self.api(what, body).await.unwrap_or_else(|| panic!("no answer to {what}"));
        serde_json::from_slice(&answer.payload).expect("JSON")
    }

    /// The last message of every subject that fits.
    pub async fn last(&self, subjects: &str) -> Vec<Read> {
        self.get(json!({"multi_last": [subjects]})).await
    }

    /// Every message that fits, from this sequence on: how a further reader follows, without the durable.
    pub async fn from(&self, seq: u64, subjects: &str) -> Vec<Read> {
        self.get(json!({"seq": seq, "batch": BATCH, "next_by_subj": subjects})).await
    }

    async fn get(&self, what: Value) -> Vec<Read> {
        let messages = self.gather("ANDON.API.DIRECT.GET.ANDON", what.to_string()).await;
        let header = |message: &Message, name: &str| text(message.headers.as_ref(), name);
        let stored = messages.into_iter().filter(|message| message.status.is_none());
        let read = stored.map(|message| Read {
            subject: header(&message, "Nats-Subject"),
            seq: header(&message, "Nats-Sequence").parse().expect("a number"),
            payload: message.payload,
        });
        read.collect()
    }

    /// Pulls from the durable of this stream what there is, and acknowledges it.
    pub async fn pull(&self, stream: &str) -> Vec<Read> {
        let subject = format!("ANDON.API.CONSUMER.MSG.NEXT.{stream}.integrator");
        let body = json!({"batch": BATCH, "no_wait": true}).to_string();
        let mut read = Vec::new();
        for message in self.gather(&subject, body).await.into_iter().filter(|message| message.status.is_none()) {
            let reply = message.reply.expect("to acknowledge");
            // $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>
            let seq = reply.split('.').nth(5).and_then(|token| token.parse().ok()).expect("a sequence");
            self.client.publish(reply, "+ACK".into()).await.expect("it is sent");
            read.push(Read { subject: message.subject.to_string(), seq, payload: message.payload });
        }
        read
    }

    /// All answers up to the one that says that there are no more.
    async fn gather(&self, subject: &str, body: String) -> Vec<Message> {
        let inbox = self.client.new_inbox();
        let mut answers = self.client.subscribe(inbox.clone()).await.expect("it is sent");
        self.client.publish_with_reply(subject.to_owned(), inbox, body.into()).await.expect("it is sent");
        let mut gathered = Vec::new();
        loop {
            let answer = tokio::time::timeout(WITHIN, answers.next()).await;
            let message = answer.unwrap_or_else(|_| panic!("no answer to {subject}")).expect("a connection");
            let last = message.status.is_some() || gathered.len() + 1 == BATCH;
            gathered.push(message);
            if last {
                return gathered;
            }
        }
    }
}

/// What the command line prints.
pub fn credentials(andon: &Andon) -> Value {
    let output = andon.place.command(&["admin", "nats-credentials", "integrator", "--json"]).output();
    let output = output.expect("andon starts");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn text(headers: Option<&HeaderMap>, name: &str) -> String {
    headers.and_then(|headers| headers.get(name)).expect("a header").to_string()
}
