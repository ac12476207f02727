//! Viewers who follow the feed all along, at both gateways, on connections that stay; now and then what they hold is
//! written down beside where they stand, to be compared with the log.

use std::collections::BTreeMap;
use std::time::Duration;

use bus_schemas::SessionEvent;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::feed::table::Table;
use crate::feed::viewer::{Transport, Viewer};
use crate::harness::{ADMIN_PASSWORD, Client, until_some};

/// How often it is written down at most.
const EVERY: Duration = Duration::from_millis(250);
/// Before it tries to come back.
const AGAIN: Duration = Duration::from_millis(50);

/// What matters of a session: the sequence of its last event, its status and its totals.
type Row = (u64, String);

/// What a viewer held, and where it stood.
#[derive(Clone, Debug)]
pub struct Held {
    seq: u64,
    rows: BTreeMap<String, Row>,
}

/// The viewers, each in a task of its own.
pub struct Viewers {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<(Viewer, Vec<Held>)>>,
}

/// Signs in at this gateway.
pub async fn admin(gateway: &str) -> Client {
    let client = Client::new(gateway.to_owned());
    let account = json!({"account": "admin", "password": ADMIN_PASSWORD});
    let token = until_some("an admin can sign in", async || {
        let answer =
            client.try_post("/api/admin/login", &account, None).await.ok().filter(|answer| answer.status == 200);
        answer?.body["token"].as_str().map(str::to_owned)
    })
    .await;
    client.with_token(token)
}

impl Viewers {
    /// One on each lasting transport at each gateway.
    pub async fn start(gateways: &[String]) -> Self {
        let token = admin(&gateways[0]).await.token().expect("signed in");
        let stop = CancellationToken::new();
        let mut tasks = Vec::new();
        for gateway in gateways {
            for transport in [Transport::Socket, Transport::Events] {
                let viewer = Viewer::new(transport, gateway.trim_start_matches("http://"), &token, "");
                tasks.push(tokio::spawn(follow(viewer, stop.clone())));
            }
        }
        Self { stop, tasks }
    }

    /// Fails when one of them has found something wrong with what it was told.
    pub fn are_well(&self) {
        assert!(!self.tasks.iter().any(JoinHandle::is_finished), "a viewer has failed");
    }

    /// Gives them back, with what was written down.
    pub async fn stop(self) -> Vec<(Viewer, Vec<Held>)> {
        self.stop.cancel();
        let mut viewers = Vec::new();
        for task in self.tasks {
            viewers.push(task.await.expect("what it was told is in order"));
        }
        viewers
    }
}

async fn follow(mut viewer: Viewer, stop: CancellationToken) -> (Viewer, Vec<Held>) {
    let (mut held, mut written) = (Vec::new(), Instant::now());
    while let Some(told) = stop.run_until_cancelled(viewer.step()).await {
        if !told {
            tokio::time::sleep(AGAIN).await;
        } else if written.elapsed() >= EVERY {
            // What it holds now and where it stands, if the frame says so: parts of a cut say nothing.
            if let Some(now) = held_by(&viewer.table) {
                held.push(now);
                written = Instant::now();
            }
        }
    }
    (viewer, held)
}

/// What a table holds, when its last frame said where that is.
pub fn held_by(table: &Table) -> Option<Held> {
    let cursor = table.stands_at.as_deref()?;
    let seq = cursor.split('.').nth(1).and_then(|seq| seq.parse().ok()).expect("a cursor has a sequence");
    let row = |session: &Value| {
        let seq = session["seq"].as_u64().expect("a number");
        (seq, crate::feed::table::brief(session))
    };
    Some(Held { seq, rows: table.sessions.iter().map(|(id, session)| (id.clone(), row(session))).collect() })
}

impl Held {
    /// Up to where it knows.
    pub const fn seq(&self) -> u64 {
        self.seq
    }
}

/// Each holding must be the fold of the log at its cursor.
#[track_caller]
pub fn are_the_fold_of(events: &[(u64, SessionEvent)], whose: &str, mut held: Vec<Held>) {
    held.sort_by_key(|held| held.seq);
    let mut events = events.iter().peekable();
    let mut fold: BTreeMap<String, Row> = BTreeMap::new();
    for Held { seq, rows } in held {
        while let Some((at, event)) = events.next_if(|(at, _)| *at <= seq) {
            let session = &event.state.session;
            let id = event.session_id.to_string();
            if session.is_active() {
                let status = session.current_status.as_ref().map_or(Value::Null, |status| json!(status.to_string()));
                fold.insert(id, (*at, format!("{status} {} {}", session.total_good, session.total_scrap)));
            } else {
                fold.remove(&id);
            }
        }
        assert_eq!(rows, fold, "{whose}, at sequence {seq}");
    }
}
