//! `andon tail`: what is so, what was, what happens; for people and for programs.

use std::cell::RefCell;

use serde_json::{Value, json};

use crate::harness::{Andon, Process, Worker, until_some};

/// The worker whom no simulated one stands for.
const CODE: &str = "1012";

/// A running `andon tail` and what it has printed.
struct Tail {
    process: Process,
    printed: RefCell<Vec<String>>,
}

impl Tail {
    fn start(andon: &Andon, arguments: &[&str]) -> Self {
        let process = andon.place.spawn(&[&["tail"], arguments].concat());
        Self { process, printed: RefCell::default() }
    }

    /// Waits for a line with all of these words.
    async fn line(&self, words: &[&str]) -> String {
        until_some(&format!("a line with {words:?} is printed"), async || {
            self.printed.borrow_mut().extend(std::iter::from_fn(|| self.process.line()));
            let printed = self.printed.borrow();
            printed.iter().find(|line| words.iter().all(|word| line.contains(word))).cloned()
        })
        .await
    }

    /// Waits until it has printed what was there when it began.
    async fn follows(&self) {
        self.process.logged("following").await;
    }
}

async fn at_work(andon: &Andon, job: &str) -> Worker {
    let mut worker = andon.worker(CODE).await;
    let stations = worker.stations().await;
    let station = stations[0]["id"].as_str().expect("an id").to_owned();
    worker.open(&station, job).await.ok();
    worker.checklist(&station, "start").await.ok();
    worker
}

#[tokio::test]
async fn what_is_so_is_printed_first_and_then_what_happens() {
    // given a session that was opened before
    let andon = Andon::demo().await;
    let worker = at_work(&andon, "TAIL-1").await;

    // when
    let mut tail = Tail::start(&andon, &[]);
    tail.line(&["TAIL-1", "start checklist done"]).await;
    tail.follows().await;
    worker.status("production").await.ok();
    worker.quantities(120, 3).await.ok();

    // then its last event was printed, and none before it, and then what happened
    tail.line(&["TAIL-1", "→ production"]).await;
    tail.line(&["TAIL-1", "good +120, scrap +3", "[production, 120 good, 3 scrap]"]).await;
    assert!(!tail.printed.borrow().iter().any(|line| line.contains("TAIL-1") && line.contains("opened")));

    // and it ends quietly when asked to
    assert!(tail.process.terminate().await.success());
    assert!(!tail.process.log().contains("error"), "{}", tail.process.log());
}

#[tokio::test]
async fn programs_get_json_of_one_worker_since_a_time() {
    // given
    let andon = Andon::demo().await;
    let worker = at_work(&andon, "TAIL-2").await;
    worker.status("setup").await.ok();
    let record = worker.active().await["session"]["session"].clone();
    let id = record["worker_id"].as_str().expect("an id");

    // when
    let tail = Tail::start(&andon, &["--json", "--since", "1h", "--worker", id]);
    let line = tail.line(&["status-changed", "\"setup\""]).await;

    // then there is everything about that worker, and nothing about others
    let event: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(event["session_id"], record["id"]);
    assert_eq!(event["job"]["job_number"], "TAIL-2");
    let lines = tail.printed.borrow();
    let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["opened", "checklist-completed", "status-changed"]);
    assert!(events.iter().all(|event| event["worker"]["id"] == id));
}

/// Fault 34: text that acts on a terminal.
#[tokio::test]
async fn text_from_people_cannot_act_on_the_terminal() {
    // given
    let andon = Andon::demo().await;
    let worker = at_work(&andon, "TAIL-\u{202e}3").await;
    let tail = Tail::start(&andon, &[]);
    tail.follows().await;

    // when somebody writes a note that would turn the line around
    let body = json!({"sessionId": worker.session, "status": "fault", "note": "two\nlines \u{2066}x"});
    worker.client.post("/api/status-events", &body).await.ok();

    // then it is spelled out
    let line = tail.line(&["→ fault"]).await;
    assert!(line.contains("TAIL-\\u{202e}3") && line.contains("two\\nlines \\u{2066}x"), "{line}");
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_told_and_the_rest_goes_on() {
    // given
    let andon = Andon::demo().await;
    let tail = Tail::start(&andon, &[]);
    tail.follows().await;

    // when something else than an event is on the log
    let nats = async_nats::jetstream::new(andon.place.nats("engine").await);
    let subject = "andon.v1.session.233.00000000-0000-0000-0000-000000000000";
    let stored = nats.publish(subject, "no event".into()).await.expect("sent");
    stored.await.expect("stored");

    // then
    tail.line(&[subject, "cannot be read"]).await;
    at_work(&andon, "TAIL-4").await;
    tail.line(&["TAIL-4", "opened"]).await;
}

#[tokio::test]
async fn whoever_has_read_enough_may_leave() {
    // given a tail whose reader goes away
    let andon = Andon::demo().await;
    let mut command = andon.place.command(&["tail", "--since", "1h"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("andon starts");
    drop(child.stdout.take());

    // when something is to be printed
    at_work(&andon, "TAIL-5").await;

    // then it ends, and not in anger
    let status = until_some("it has ended", async || child.try_wait().expect("it can be waited for")).await;
    assert!(status.success(), "{status}");
}
