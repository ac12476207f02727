//! The example programs, as they are checked in, against a real factory: whatever happens, the table they keep is the
//! fold of the log.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use andon_nats::{Bus, Followed, Follower, Start};
use bus_schemas::{SessionEvent, subject};
use serde_json::{Map, Value, json};

use super::plant::{admin, factory};
use super::reader::credentials;
use crate::harness::{ADMIN_PASSWORD, Andon, Process, Signal, Worker, send, until};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn python() -> Command {
    let interpreter = Path::new(env!("CARGO_MANIFEST_DIR")).join(".andon/examples/python/bin/python");
    assert!(interpreter.exists(), "run the tests with ./test, which installs what the examples need");
    let mut command = Command::new(interpreter);
    command.arg(examples().join("python/follow.py"));
    command
}

fn node() -> Command {
    let is_there = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(is_there, "there is no Node: install Node 20 or newer with npm (Debian: apt-get install nodejs npm)");
    let packages = examples().join("node/node_modules");
    assert!(packages.is_dir(), "run the tests with ./test, which installs what the examples need");
    let mut command = Command::new("node");
    command.arg(examples().join("node/follow.js"));
    command
}

/// The feed with curl. Its password lies in a file.
fn shell(andon: &Andon) -> Command {
    let has_curl = Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(has_curl, "there is no curl: install it (Debian: apt-get install curl)");
    let password = andon.place.directory().join("password.txt");
    std::fs::write(&password, format!("{ADMIN_PASSWORD}\n")).expect("written");
    let mut command = Command::new(examples().join("shell/feed.sh"));
    command.env("ANDON_URL", andon.place.http_url()).env("ANDON_ACCOUNT", "admin").env("ANDON_PASSWORD_FILE", password);
    command
}

/// A program that prints what it knows of active sessions, in lines of JSON.
struct Program {
    process: Process,
    prints: Prints,
    table: Value,
}

/// What a line is.
#[derive(Clone, Copy)]
enum Prints {
    /// The whole table.
    Tables,
    /// A frame of the feed, for whoever reads it to fold.
    Frames,
}

impl Program {
    /// A follower on NATS, with the credentials that the command line prints.
    fn on_nats(andon: &Andon, mut command: Command, name: &str) -> Self {
        let file = andon.place.directory().join("credentials.json");
        std::fs::write(&file, credentials(andon).to_string()).expect("written");
        command.arg(file);
        Self::start(andon, command, name, Prints::Tables)
    }

    fn start(andon: &Andon, mut command: Command, name: &str, prints: Prints) -> Self {
        let log = andon.place.directory().join(format!("{name}.log"));
        let errors = std::fs::File::options().create(true).append(true).open(&log).expect("a log file");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn();
        Self { process: Process::new(child.expect("it starts"), log), prints, table: json!({}) }
    }

    /// Waits until what it printed last is the fold of the log, which must hold this many active sessions.
    async fn agrees(&mut self, andon: &Andon, active: usize) {
        until("the program's table is the fold of the log", async || {
            while let Some(line) = self.process.line() {
                let line = serde_json::from_str(&line).expect("a line of JSON");
                match self.prints {
                    Prints::Tables => self.table = line,
                    Prints::Frames => take_frame(&mut self.table, &line),
                }
            }
            assert!(!self.process.has_ended(), "it has ended: {}", self.process.log());
            let fold = fold(andon).await;
            fold.as_object().is_some_and(|rows| rows.len() == active) && self.table == self.as_printed(fold)
        })
        .await;
    }

    /// The feed does not tell versions.
    fn as_printed(&self, mut fold: Value) -> Value {
        if let (Prints::Frames, Some(rows)) = (self.prints, fold.as_object_mut()) {
            rows.values_mut().filter_map(Value::as_object_mut).for_each(|row| drop(row.remove("version")));
        }
        fold
    }
}

/// Folds a frame as the example's first lines say.
fn take_frame(table: &mut Value, frame: &Value) {
    let begins_anew = frame["type"] == "reset" || (frame["type"] == "hello" && frame["resumed"] == false);
    if begins_anew {
        *table = json!({});
    }
    let sessions = |field: &str| frame[field].as_array().cloned().unwrap_or_default();
    for session in sessions("sessions").into_iter().chain(sessions("set")) {
        let id = session["id"].as_str().expect("an id");
        table[id] = json!({
            "worker": session["worker"]["full_name"],
            "station": session["station"]["code"],
            "job": session["job"]["job_number"],
            "status": session["current_status"],
            "good": session["total_good"],
            "scrap": session["total_scrap"],
        });
    }
    for session in sessions("del") {
        let gone = session["id"].as_str().expect("an id");
        table.as_object_mut().expect("a table").remove(gone);
    }
}

/// The active sessions as the log says; null while it does not answer.
async fn fold(andon: &Andon) -> Value {
    let config = andon.place.nats_config("persistence");
    let Ok(bus) = Bus::connect(&config, "persistence").await else { return Value::Null };
    let every = vec![subject::SESSIONS.to_owned()];
    let mut follower = Follower::new(bus, subject::STREAM_LOG, every, Start::LastPerSubject);
    let mut last = std::collections::BTreeMap::new();
    loop {
        match follower.next().await {
            Followed::Message(message) => {
                let event: SessionEvent = message.decode().expect("a session event");
                last.insert(message.subject.clone(), event.state.session);
            }
            Followed::CaughtUp => break,
            Followed::Interrupted(_) => return Value::Null,
        }
    }
    let active = last.into_values().filter(bus_schemas::Session::is_active);
    let row = |session: bus_schemas::Session| {
        let row = json!({
            "worker": session.names.worker,
            "station": session.names.station_code,
            "job": session.names.job_number,
            "status": session.current_status,
            "good": session.total_good,
            "scrap": session.total_scrap,
            "version": session.version,
        });
        (session.id.to_string(), row)
    };
    Value::Object(active.map(row).collect::<Map<_, _>>())
}

/// Somebody at work; whatever is refused for a moment because the log restarts is tried again.
struct Hand {
    worker: Worker,
    station: String,
}

impl Hand {
    async fn new(andon: &Andon, code: &str) -> Self {
        let worker = andon.worker(code).await;
        let station = worker.stations().await[0]["id"].as_str().expect("text").to_owned();
        Self { worker, station }
    }

    async fn opens(&mut self, job: &str) {
        until("a session opens", async || self.worker.open(&self.station, job).await.status < 300).await;
        until("work begins", async || self.worker.checklist(&self.station, "start").await.status < 300).await;
    }

    async fn counts(&self, good: u64) {
        until("pieces are counted", async || self.worker.quantities(good, 1).await.status < 300).await;
    }

    async fn leaves(&self) {
        until("a session ends", async || self.worker.abandon("worker_choice").await.status < 300).await;
    }
}

/// Sessions open, change and close around a nats-server that dies, and around the program itself.
async fn keeps_a_correct_table(start: fn() -> Command, name: &str) {
    // given sessions that are older than the program
    let andon = factory().await;
    let mut hands = Vec::new();
    for code in ["1001", "1002", "1003", "1004", "1005"] {
        hands.push(Hand::new(&andon, code).await);
    }
    let (early, late) = hands.split_at_mut(3);
    for hand in early.iter_mut() {
        hand.opens("BEFORE").await;
    }
    early[0].leaves().await;

    // when it starts from nothing, it has them
    let mut program = Program::on_nats(&andon, start(), name);
    program.agrees(&andon, 2).await;

    // and follows what happens
    early[0].opens("AFTER").await;
    early[1].counts(10).await;
    program.agrees(&andon, 3).await;

    // when nats-server is killed and started again, while sessions go on
    for server in andon.place.processes("nats-server") {
        send(server, Signal::SIGKILL);
    }
    late[0].opens("MEANWHILE").await;
    early[1].counts(20).await;
    early[2].leaves().await;

    // then it has missed nothing
    program.agrees(&andon, 3).await;
    late[0].counts(5).await;
    late[1].opens("LATER").await;
    program.agrees(&andon, 4).await;

    // and neither when the program itself is killed and begins again from nothing
    program.process.kill().await;
    late[0].leaves().await;
    early[0].counts(7).await;
    let mut again = Program::on_nats(&andon, start(), name);
    again.agrees(&andon, 3).await;
    late[0].opens("AT LAST").await;
    again.agrees(&andon, 4).await;
    let log = again.process.log();
    assert!(!log.contains("starting over: Hole"), "nothing was missed: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_follower_keeps_a_correct_table() {
    keeps_a_correct_table(python, "python").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_follower_keeps_a_correct_table() {
    keeps_a_correct_table(node, "node").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_followed_with_curl_across_restarts_of_the_log_and_of_the_gateway() {
    // given a session that is older than the script
    let mut andon = factory().await;
    let mut early = Hand::new(&andon, "1001").await;
    let mut late = Hand::new(&andon, "1002").await;
    early.opens("BEFORE").await;
    admin(&andon).await;

    // when it starts, it has it
    let mut program = Program::start(&andon, shell(&andon), "shell", Prints::Frames);
    program.agrees(&andon, 1).await;

    // and follows across a restart of nats-server
    for server in andon.place.processes("nats-server") {
        send(server, Signal::SIGKILL);
    }
    late.opens("MEANWHILE").await;
    early.counts(3).await;
    program.agrees(&andon, 2).await;

    // and of everything, going on where it was
    andon.process.terminate().await;
    andon.again().await;
    early.leaves().await;
    late.counts(9).await;
    program.agrees(&andon, 1).await;
}
