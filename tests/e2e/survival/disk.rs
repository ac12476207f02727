//! Disks: an acknowledgement waits for the disk; a disk that fails or is full acknowledges nothing, and nothing that was
//! acknowledged is lost by it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use super::floor;
use super::ledger::Ledger;
use super::load::Load;
use super::tables;
use crate::harness::{Andon, BUSY, Place, Process, Trace, until};

/// From the fault to the first 503 of `/readyz`.
const NOTICED_WITHIN: Duration = Duration::from_secs(6);
/// Commands that are sent one after another while syncs are counted.
const COMMANDS: usize = 100;
/// What the nats-server's disk holds when it is to be filled: its files, and some more.
const DISK_BYTES: u32 = 24 << 20;

/// Where the log lies, below the directory of a nats-server.
fn log_of(nats: &Path) -> PathBuf {
    nats.join("store/jetstream/ANDON/streams/ANDON/msgs")
}

/// Fault 7: an acknowledgement is given before the event is on the disk.
#[tokio::test(flavor = "multi_thread")]
async fn each_acknowledged_command_was_synced_to_the_log_before() {
    // given a worker at work, and every sync of the nats-server watched
    let andon = floor::up("300s").await;
    let mut worker = floor::sign_in(&andon.place.http_url(), 0..1).await.remove(0);
    let station = floor::station(&worker).await;
    worker.open(&station, "J-1").await.ok();
    let nats = andon.place.processes("nats-server")[0];
    let trace = Trace::attach(nats, andon.place.directory(), &["-e", "trace=fsync,fdatasync"]).await;

    // when commands are sent, each after the answer to the one before, so that no two share a sync
    for number in 0..COMMANDS {
        let body = json!({"sessionId": worker.session, "good_delta": number + 1});
        worker.client.post("/api/sessions/quantities", &body).await.ok();
    }

    // then the file of the log was synced as often
    let log = format!("{}/", log_of(&andon.place.data_dir().join("nats")).display());
    let seen = trace.end();
    let synced = seen.lines().filter(|line| line.contains("sync(") && line.contains(&log)).count();
    assert!(synced >= COMMANDS, "{synced} syncs for {COMMANDS} commands: {}", seen.lines().take(5).collect::<String>());
    Ledger::read(&andon.place.nats_config("persistence")).await.holds();
}

/// Fault 8: the disk fails: the nats-server cannot sync, and is mute from then on.
#[tokio::test(flavor = "multi_thread")]
async fn a_nats_server_whose_disk_failed_is_restarted_and_nothing_acknowledged_is_lost() {
    // given workers at work
    let andon = floor::up("300s").await;
    let url = andon.place.http_url();
    let load = Load::start(&url, 0..6, Duration::from_secs(1)).await;
    load.goes_on(10).await;

    // when no sync of the log succeeds any more
    let failing = andon.place.processes("nats-server");
    let block = newest_block(&log_of(&andon.place.data_dir().join("nats")));
    let block = block.to_str().expect("UTF-8");
    let fault = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO", "-P", block];
    let broken = Instant::now();
    let trace = Trace::attach(failing[0], andon.place.directory(), &fault).await;

    // then that is noticed within seconds, and another server takes its place
    let noticed = floor::noticed(&andon, &failing).await.duration_since(broken);
    assert!(noticed < NOTICED_WITHIN + BUSY, "noticed after {noticed:?}");
    until("it is restarted", async || {
        let now = andon.place.processes("nats-server");
        now.len() == 1 && now != failing
    })
    .await;
    floor::ready(&url, &mut []).await;
    assert!(trace.end().contains("EIO"), "no sync has failed");
    load.goes_on(10).await;
    nothing_is_lost(load, &andon.place, &andon.place.postgres_url()).await;
}

/// The block that the log is written to.
fn newest_block(log: &Path) -> PathBuf {
    let files = std::fs::read_dir(log).expect("the log has a directory").filter_map(|entry| Some(entry.ok()?.path()));
    let blocks = files.filter(|path| path.extension().is_some_and(|extension| extension == "blk"));
    let number = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
    blocks.max_by_key(number).expect("a block")
}

/// The load ends, and each of its commands is stored as its client was told.
async fn nothing_is_lost(load: Load, place: &Place, database: &str) {
    let history = load.stop().await;
    eprintln!("{}", history.told());
    let ledger = Ledger::read(&place.nats_config("persistence")).await;
    ledger.holds();
    ledger.agrees_with(&history);
    ledger.nobody_fell_silent();
    tables::are_the_fold_of(&ledger, database).await;
}

/// `andon up` whose nats-server has a small disk of its own.
struct SmallDisk {
    process: Process,
    place: Place,
}

impl SmallDisk {
    async fn start(database: &str) -> Self {
        // The log is promised less than the disk holds: a disk fills up by other things, too.
        let place = Place::new().set("database_url", database).set("log_max_bytes", "16MiB");
        let nats = place.data_dir().join("nats");
        let private = |path: &Path| {
            std::fs::create_dir(path).expect("made");
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("set");
        };
        private(&place.data_dir());
        private(&nats);
        // In a namespace of its own, so that the disk ends with the process, whatever ends that.
        let mount =
            format!("mount -t tmpfs -o size={DISK_BYTES},mode=0700 disk '{}' && exec \"$0\" up", nats.display());
        let user: &[&str] = if nix::unistd::geteuid().is_root() { &[] } else { &["--user", "--map-root-user"] };
        let namespace = [&["unshare", "--mount"], user, &["sh", "-c", &mount]].concat();
        let mut process = place.spawn_through(&namespace);
        process.ready().await;
        floor::build(&place);
        Self { process, place }
    }

    /// A file on the disk, as this process finds it.
    fn file(&self) -> PathBuf {
        let nats = self.place.data_dir().join("nats/ballast");
        PathBuf::from(format!("/proc/{}/root{}", self.process.pid(), nats.display()))
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut ballast = File::create(self.file()).expect("made");
        let mut piece = vec![1_u8; 1 << 20];
        while !piece.is_empty() {
            while ballast.write_all(&piece).is_ok() {}
            piece.truncate(piece.len() / 2);
        }
    }
}

/// Fault 9: the disk is full.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_acknowledges_nothing_and_is_served_from_again_once_there_is_room() {
    // given workers at work, on a disk of which only a little is left
    let host = Andon::up().await;
    let database = floor::database(&host).await;
    let small = SmallDisk::start(&database).await;
    let url = small.place.http_url();
    let load = Load::start(&url, 0..4, Duration::from_secs(1)).await;
    load.goes_on(10).await;

    // when it is full
    small.fill();
    let full = Instant::now();

    // then it is not ready, and workers are sent away, for as long as it lasts
    until("it is not ready", async || floor::readiness(&url).await.is_some_and(|(status, _)| status == 503)).await;
    let noticed = full.elapsed();
    until("workers are sent away", async || load.history().unavailable.len() >= 4).await;
    let done = load.history().done();
    until("workers are sent away", async || load.history().unavailable.len() >= 8).await;
    assert_eq!(load.history().done(), done, "a full disk has acknowledged something");

    // and when there is room again, it goes on without anybody's help
    std::fs::remove_file(small.file()).expect("removed");
    let room = Instant::now();
    floor::ready(&url, &mut []).await;
    load.goes_on(10).await;
    eprintln!("noticed after {noticed:?}, serving {:?} after there was room", room.elapsed());
    nothing_is_lost(load, &small.place, &database).await;
}
