//! A log that was damaged on its disk while nothing ran: bits that flipped, a tail that is gone, an old copy. Nobody builds
//! on it.

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use andon_nats::testing::{Settings, TestServer};
use serde_json::json;

use super::floor;
use super::load::Load;
use crate::harness::{Andon, Place, Signal, Worker, send, until};

/// As small as a log may be, so that it has several blocks soon: the server makes them a quarter of it.
const LOG_MAX: &str = "16MiB";
/// What makes events large.
const NOTE_CHARS: usize = 1_900;
/// Between two tries of a command while it starts.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// A log that was written to, projected, and left by `kill -9` of everything.
struct Left {
    andon: Andon,
    worker: Worker,
}

impl Left {
    /// With at least this many blocks.
    async fn with_blocks(blocks: usize) -> Self {
        let mut andon = floor::up_in(Place::new().set("idle_timeout", "300s").set("log_max_bytes", LOG_MAX)).await;
        let url = andon.place.http_url();
        let load = Load::start(&url, 0..6, Duration::from_secs(1)).await;
        load.goes_on(10).await;
        let mut worker = floor::sign_in(&url, 6..7).await.remove(0);
        let station = floor::station(&worker).await;
        worker.open(&station, "J-1").await.ok();
        let note = "\u{1f600}".repeat(NOTE_CHARS);
        while blocks_of(&andon.place).len() < blocks {
            for status in ["production", "setup"] {
                let body = json!({"sessionId": worker.session, "status": status, "note": note});
                worker.client.post("/api/status-events", &body).await.ok();
            }
        }
        load.goes_on(10).await;
        load.stop().await;
        projected(&andon).await;
        andon.process.kill().await;
        let servers = || ["nats-server", "postgres"].map(|program| andon.place.processes(program)).concat();
        servers().into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
        until("they are gone", async || servers().is_empty()).await;
        Self { andon, worker }
    }

    /// Starts it, which it refuses; not one command is acknowledged on the way. What it said.
    async fn refused(mut self) -> String {
        let body = json!({"sessionId": self.worker.session, "good_delta": 1});
        let client = self.worker.client.clone();
        let acknowledged = Arc::new(AtomicU32::new(0));
        let tried = tokio::spawn({
            let acknowledged = Arc::clone(&acknowledged);
            async move {
                loop {
                    if client
                        .try_post("/api/sessions/quantities", &body, None)
                        .await
                        .is_ok_and(|answer| answer.status == 200)
                    {
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                    }
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
            }
        });
        self.andon.process = self.andon.place.spawn(&["up"]);
        let status = self.andon.process.ended().await;
        tried.abort();
        let log = self.andon.process.log();
        assert_eq!(status.code(), Some(1), "{log}");
        assert_eq!(acknowledged.load(Ordering::Relaxed), 0, "a damaged log was built on: {log}");
        log
    }
}

/// How far the tables have come, once they have everything.
async fn projected(andon: &Andon) {
    let last = super::ledger::Ledger::read(&andon.place.nats_config("persistence")).await.last_seq();
    let caught_up = format!("select seq >= {last} from checkpoints where stream = 'ANDON'");
    until("the projection has caught up", async || andon.place.sql(&caught_up) == Some(vec!["t".to_owned()])).await;
}

/// The files of the log, in order.
fn blocks_of(place: &Place) -> Vec<PathBuf> {
    let log = place.data_dir().join("nats/store/jetstream/ANDON/streams/ANDON/msgs");
    let files = std::fs::read_dir(log).expect("the log has a directory").filter_map(|entry| Some(entry.ok()?.path()));
    let mut blocks: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "blk")).collect();
    blocks.sort_by_key(|path| path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok()));
    blocks
}

/// Flips one bit at this share of a file, in percent.
fn flip(block: &Path, percent: u64) {
    let file = std::fs::File::options().read(true).write(true).open(block).expect("opened");
    let at = file.metadata().expect("a size").len() * percent / 100;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("read");
    byte[0] ^= 0x10;
    file.write_all_at(&byte, at).expect("written");
}

/// Fault 1: a bit flips in the block that was written last: the server drops the rest of it and says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_which_a_bit_flipped_in_its_last_block_is_refused() {
    let left = Left::with_blocks(1).await;
    flip(blocks_of(&left.andon.place).last().expect("a block"), 70);
    let told = left.refused().await;
    assert!(told.contains("stream ANDON went backwards"), "{told}");
}

/// Fault 1: a bit flips in an earlier block: what followed in it is missing between what was before and after.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_which_a_bit_flipped_in_an_earlier_block_is_refused() {
    let left = Left::with_blocks(2).await;
    flip(&blocks_of(&left.andon.place)[0], 50);
    let told = left.refused().await;
    assert!(told.contains("stream ANDON has holes"), "{told}");
}

/// Fault 1: the end of the log is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_tail_is_gone_is_refused() {
    let left = Left::with_blocks(1).await;
    let blocks = blocks_of(&left.andon.place);
    let file = std::fs::File::options().write(true).open(blocks.last().expect("a block")).expect("opened");
    let length = file.metadata().expect("a size").len();
    file.set_len(length * 7 / 10).expect("cut");
    let told = left.refused().await;
    assert!(told.contains("stream ANDON went backwards"), "{told}");
}

/// Fault 1: an engine by itself, told where the tables are, refuses as well.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_knows_the_tables_refuses_a_log_that_went_backwards() {
    // given a log of which everything was projected, and an older copy of it
    let host = Andon::up().await;
    let database = floor::database(&host).await;
    let mut server = TestServer::start(Settings::default()).await;
    let place = floor::beside(&server).set("database_url", &database);
    let migrated = place.command(&["migrate"]).output().expect("andon starts");
    assert!(migrated.status.success(), "{migrated:?}");
    let mut roles = ["engine", "gateway", "persistence"].map(|role| place.spawn(&[role]));
    floor::build(&place);
    floor::ready(&place.http_url(), &mut roles.iter_mut().collect::<Vec<_>>()).await;
    let load = Load::start(&place.http_url(), 0..2, Duration::from_secs(1)).await;
    load.goes_on(5).await;
    server.kill();
    let copy = place.directory().join("copy");
    copy_all(&server.store(), &copy);
    server.restart().await;
    load.goes_on(5).await;
    load.stop().await;
    let last = super::ledger::Ledger::read(&server.config()).await.last_seq();
    until("all of it is projected", async || {
        crate::harness::sql(&database, &format!("select seq >= {last} from checkpoints where stream = 'ANDON'"))
            == Some(vec!["t".to_owned()])
    })
    .await;
    for role in &mut roles {
        role.kill().await;
    }

    // when the copy takes its place
    server.kill();
    std::fs::remove_dir_all(server.store()).expect("removed");
    copy_all(&copy, &server.store());
    server.restart().await;

    // then it is refused
    let output = place.command(&["engine"]).output().expect("andon starts");
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("stream ANDON went backwards"), "{told}");
}

fn copy_all(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-r").args([from, to]).status().expect("cp starts");
    assert!(copied.success(), "{} was copied", from.display());
}
