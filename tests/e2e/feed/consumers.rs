//! What a gateway reads the log through is taken from it: its consumers, its server, and the server's time.

use super::*;
use crate::harness::{send, span};

/// After it is mended, every viewer has what is new by then.
const RESUMED_WITHIN: Duration = Duration::from_secs(30);
/// How long the nats-server is frozen.
const FROZEN: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(40));

/// Deletes every consumer of the log but that of integrators; how many there were.
async fn delete_consumers(andon: &Andon) -> usize {
    let nats = andon.place.nats("operator").await;
    let ask = async |subject: String| -> Value {
        let answer = nats.request(subject, Vec::new().into()).await.expect("an answer");
        serde_json::from_slice(&answer.payload).expect("JSON")
    };
    let listed = ask("$JS.API.CONSUMER.NAMES.ANDON".to_owned()).await;
    let names = listed["consumers"].as_array().expect("names").iter().filter_map(Value::as_str);
    let mut deleted = 0;
    for name in names.filter(|name| *name != "integrator") {
        let answer = ask(format!("$JS.API.CONSUMER.DELETE.ANDON.{name}")).await;
        deleted += usize::from(answer["success"] == true);
    }
    deleted
}

/// Fault 18: the consumers are deleted, the server is silent for long, and dies.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_whose_consumer_is_gone_goes_on_where_it_was() {
    // given viewers who follow on every transport
    let mut floor = Floor::new().await;
    let truth = floor.truth().await;
    let mut viewers = ALL.map(|transport| floor.viewer(transport, ""));
    for viewer in &mut viewers {
        viewer.until("it has begun", |table| table.brief() == truth && table.cursor.is_some()).await;
        viewer.patience = RESUMED_WITHIN;
    }
    let snapshots = viewers.iter().map(|viewer| viewer.table.count("snapshot")).collect::<Vec<_>>();
    let server = || floor_server(&floor.andon);

    for (fault, status) in ["deleted", "frozen", "killed"].into_iter().zip(["production", "fault", "setup"]) {
        // when
        match fault {
            "deleted" => assert!(delete_consumers(&floor.andon).await > 0, "there was none"),
            "frozen" => {
                send(server(), Signal::SIGSTOP);
                // The time is what this is about.
                tokio::time::sleep(span(FROZEN.0, FROZEN.1)).await;
                send(server(), Signal::SIGCONT);
            }
            _ => send(server(), Signal::SIGKILL),
        }
        until("a change is made", async || {
            let body = serde_json::json!({"sessionId": floor.session(0), "status": status});
            let sent = floor.workers[0].client.try_post("/api/status-events", &body, Some(fault)).await;
            sent.is_ok_and(|answer| answer.status == 200)
        })
        .await;

        // then each viewer is shown what is new
        let session = floor.session(0);
        for viewer in &mut viewers {
            viewer.until(fault, |table| table.status(&session) == Some(status)).await;
        }
    }
    // and none of them had to begin anew
    let now = viewers.iter().map(|viewer| viewer.table.count("snapshot")).collect::<Vec<_>>();
    assert_eq!(now, snapshots);
    floor.open(0).await;
}

fn floor_server(andon: &Andon) -> i32 {
    andon.place.processes("nats-server")[0]
}
