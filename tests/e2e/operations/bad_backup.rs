//! What is no backup, or has no place: refused in words that say what to do, and nothing is changed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest as _, Sha256};

use super::{contents, factory, run};
use crate::harness::{Andon, Place};
use crate::survival::floor;

/// A copy of a backup, to be harmed.
fn copy(backup: &Path, to: &Path) {
    for (path, bytes) in contents(backup) {
        let target = to.join(path.strip_prefix(backup).expect("inside"));
        if path.is_dir() {
            std::fs::create_dir_all(target).expect("made");
        } else {
            std::fs::create_dir_all(target.parent().expect("a directory")).expect("made");
            std::fs::write(target, bytes).expect("written");
        }
    }
}

fn flip(path: &Path, at: impl Fn(usize) -> usize) {
    let mut bytes = std::fs::read(path).expect("read");
    let at = at(bytes.len());
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).expect("written");
}

fn cut(path: &Path) {
    let bytes = std::fs::read(path).expect("read");
    std::fs::write(path, &bytes[..bytes.len() - 100]).expect("written");
}

/// Changes the manifest, and its sum with it.
fn rewrite(backup: &Path, from: &str, to: &str) {
    let manifest = backup.join("manifest.json");
    let was = std::fs::read_to_string(&manifest).expect("read");
    let is = was.replace(from, to);
    assert_ne!(was, is, "{from} stands in it");
    std::fs::write(&manifest, &is).expect("written");
    let sum = |text: &str| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let sums = std::fs::read_to_string(backup.join("SHA256SUMS")).expect("read").replace(&sum(&was), &sum(&is));
    std::fs::write(backup.join("SHA256SUMS"), sums).expect("written");
}

/// `andon` where no file may grow beyond this: what a full disk is to a program.
fn on_a_full_disk(place: &Place, kilobytes: u32, arguments: &[&str]) -> Output {
    let andon = place.command(arguments);
    let mut shell = Command::new("bash");
    // The signal would end the program before it has seen the error.
    shell
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"")])
        .arg(andon.get_program())
        .args(andon.get_args())
        .env_clear()
        .envs(andon.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(place.directory());
    shell.output().expect("bash starts")
}

struct Scene {
    andon: Andon,
    backup: PathBuf,
}

impl Scene {
    async fn set() -> Self {
        let andon = factory(Place::new().set("idle_timeout", "1h")).await;
        let backup = andon.place.directory().join("monday");
        let (taken, said) = run(&andon.place, &["backup", &backup.display().to_string()]);
        assert!(taken, "{said}");
        Self { andon, backup }
    }
}

type Harm = fn(&Path);

#[tokio::test(flavor = "multi_thread")]
async fn a_harmed_backup_is_refused_by_name_before_anything_is_written() {
    let scene = Scene::set().await;
    let cases: [(&str, Harm, &str); 9] = [
        ("no manifest", |at| std::fs::remove_file(at.join("manifest.json")).expect("removed"), "is no backup"),
        ("no sums", |at| std::fs::remove_file(at.join("SHA256SUMS")).expect("removed"), "is no backup"),
        (
            "another format",
            |at| rewrite(at, "andon-backup-1", "andon-backup-9"),
            "restore it with the version that took",
        ),
        ("a byte of the manifest", |at| flip(&at.join("manifest.json"), |len| len / 2), "manifest.json is damaged"),
        (
            "a byte of the log",
            |at| flip(&at.join("streams/ANDON.snapshot"), |len| len / 2),
            "ANDON.snapshot is damaged",
        ),
        ("the last byte of the dump", |at| flip(&at.join("database.dump"), |len| len - 1), "database.dump is damaged"),
        ("a cut log", |at| cut(&at.join("streams/ANDON.snapshot")), "another copy of the backup"),
        ("a lost file", |at| std::fs::remove_file(at.join("secrets/token.key")).expect("removed"), "token.key"),
        ("a name that leads out", |at| rewrite(at, "secrets/token.key", "../../token.key"), "no file of a backup"),
    ];
    for (name, harm, words) in cases {
        // given
        let elsewhere = Place::new();
        let backup = elsewhere.directory().join("harmed");
        copy(&scene.backup, &backup);
        harm(&backup);
        // when
        let (restored, said) = run(&elsewhere, &["restore", &backup.display().to_string()]);
        // then
        assert!(!restored && said.contains(words), "{name}: {said}");
        assert!(!elsewhere.data_dir().exists(), "{name}: something was written");
    }
    let elsewhere = Place::new();
    let (restored, said) = run(&elsewhere, &["restore", "nowhere"]);
    assert!(!restored && said.contains("nowhere is no backup"), "{said}");
    assert!(!elsewhere.data_dir().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_has_no_place_changes_nothing() {
    let Scene { mut andon, backup } = Scene::set().await;
    let shown = backup.display().to_string();
    let refused = |place: &Place, arguments: &[&str], words: &str| {
        let (done, said) = run(place, arguments);
        assert!(!done && said.contains(words), "{arguments:?}: {said}");
    };

    // a backup where something is, and beside nothing that runs
    let was = contents(&backup);
    refused(&andon.place, &["backup", &shown], "is there already");
    assert_eq!(contents(&backup), was);
    let nothing = Place::new();
    refused(&nothing, &["backup", "new"], "no `andon up` runs in");
    assert!(contents(nothing.directory()).is_empty(), "{:?}", contents(nothing.directory()));

    // a backup on a disk that is full, in the streams and in the database
    for kilobytes in [1, 8] {
        let output = on_a_full_disk(&andon.place, kilobytes, &["backup", "full"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("too large"), "{kilobytes} KB: {said}");
        let left = std::fs::read_dir(andon.place.directory()).expect("read").filter_map(Result::ok);
        let left: Vec<_> = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("full")).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    // a restore where a factory works, where something lies, and into one server alone
    refused(&andon.place, &["restore", &shown], "is not empty");
    let occupied = Place::new();
    std::fs::create_dir(occupied.data_dir()).expect("made");
    std::fs::write(occupied.data_dir().join("letter"), "dear").expect("written");
    refused(&occupied, &["restore", &shown], "is not empty");
    assert_eq!(contents(&occupied.data_dir()).len(), 1);
    refused(&occupied, &["restore", &shown, "--database-url", "postgres://a@127.0.0.1/b"], "name both servers");

    // a restore onto the servers of a factory that is there
    let nats = andon.place.nats_config("operator");
    let with_password = format!("nats://operator:{}@", nats.password.expect("a password"));
    let given =
        [("--nats-url", nats.url.replace("nats://", &with_password)), ("--database-url", andon.place.postgres_url())];
    let given: Vec<&str> = given.iter().flat_map(|(flag, value)| [*flag, value.as_str()]).collect();
    let rows = andon.place.sql("select count(*) from checkpoints");
    refused(&Place::new(), &[&["restore", &shown], &given[..]].concat(), "has a stream ANDON_SEEN already");
    assert_eq!(andon.place.sql("select count(*) from checkpoints"), rows);

    // a restore onto a disk that is full: the directory is as it was, which is not there
    let full = Place::new();
    let output = on_a_full_disk(&full, 512, &["restore", &shown]);
    assert!(!output.status.success(), "{output:?}");
    assert!(!full.data_dir().exists(), "{:?}", contents(&full.data_dir()));
    assert!(full.processes("postgres").is_empty() && full.processes("nats-server").is_empty());

    // and the factory itself has gone on all the time
    let worker = floor::sign_in(&andon.place.http_url(), 0..1).await;
    assert!(!worker[0].stations().await.is_empty());
    assert!(andon.process.terminate().await.success());
}
