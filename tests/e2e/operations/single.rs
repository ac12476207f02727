//! A single server: backed up while it works, lost whole, restored elsewhere.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::{
    at_work, contents, durable_made_at, factory, goes_on, is_proven, is_told_to_begin_anew, kill_everything, moved,
    run, run_beside,
};
use crate::harness::Cluster;
use crate::harness::{Andon, Place, until};
use crate::survival::{floor, ledger::Ledger, load::Load};

const BEAT_EVERY: Duration = Duration::from_secs(1);

fn place() -> Place {
    Place::new().set("idle_timeout", "1h")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_factory_is_backed_up_while_it_works_and_goes_on_elsewhere() {
    // given busy workers, one who does nothing more, a viewer and an integrator
    let mut lost = factory(place()).await;
    let url = lost.place.http_url();
    let left_alone = at_work(&url, 20).await;
    let load = Load::start(&url, 0..6, BEAT_EVERY).await;
    load.goes_on(10).await;
    let (_, cursor) = Cluster::poll(&url, None).await;
    let durable = durable_made_at(&lost).await;

    // when a backup is taken meanwhile, and then everything is lost
    let before = load.history();
    let backups = Place::new();
    let backup = backups.directory().join("monday");
    let shown = backup.display().to_string();
    let (taken, said) = run_beside(&lost.place, &["backup", &shown]).await;
    assert!(taken, "{said}");
    load.goes_on(5).await;
    let after = load.stop().await;
    assert!(before.done() > 30 && after.done() > before.done(), "{} and {}", before.told(), after.told());
    kill_everything(&mut lost.process, &lost.place).await;

    // then what there is belongs to its owner alone, and is what its sums say
    for (path, _) in contents(&backup) {
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
    let mut sums = std::process::Command::new("sha256sum");
    let proven = sums.args(["--quiet", "-c", "SHA256SUMS"]).current_dir(&backup).status();
    assert!(proven.expect("sha256sum runs").success());

    // when it is restored elsewhere and started
    let elsewhere = place();
    let (restored, said) = run_beside(&elsewhere, &["restore", &shown]).await;
    assert!(restored, "{said}");
    let mut found = Andon::start(elsewhere, &["up"]).await;

    // then everything that was acknowledged before is there once, and the session goes on with the same login
    let url = found.place.http_url();
    Ledger::read(&found.place.nats_config("persistence")).await.agrees_with(&before);
    goes_on(&moved(&left_alone, &url)).await;
    // and who followed is told to begin anew
    until("Postgres answers", async || found.place.sql("select 1").is_some()).await;
    is_told_to_begin_anew(&url, &cursor).await;
    assert_ne!(durable_made_at(&found).await, durable);
    // and the log is proven, with the tables
    is_proven(&found.place);

    // and so it is after another start, when busy workers have gone on
    found.process.kill().await;
    found.again().await;
    let load = Load::start(&url, 6..10, BEAT_EVERY).await;
    load.goes_on(5).await;
    load.stop().await;
    is_proven(&found.place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_killed_leaves_nothing_that_starts_and_is_repeated() {
    // given a backup, and a restore that is killed in the middle
    let andon = factory(place()).await;
    let backup = andon.place.directory().join("monday").display().to_string();
    let (taken, said) = run(&andon.place, &["backup", &backup]);
    assert!(taken, "{said}");
    let elsewhere = place();
    let mut restoring = elsewhere.spawn(&["restore", &backup]);
    let begun = elsewhere.data_dir().join("nats");
    until("it has begun", async || begun.is_dir()).await;
    restoring.kill().await;

    // when somebody starts there, then it is refused in words
    let (started, said) = run(&elsewhere, &["up"]);
    assert!(!started && said.contains("half of a restored backup"), "{said}");

    // when it is restored again, then it is whole
    let (restored, said) = run(&elsewhere, &["restore", &backup]);
    assert!(restored, "{said}");
    let found = Andon::start(elsewhere, &["up"]).await;
    let worker = floor::sign_in(&found.place.http_url(), 3..4).await;
    assert!(!worker[0].stations().await.is_empty());
}
