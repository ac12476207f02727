//! `andon up`: comes ready, keeps others out, cleans up after itself and after a crash.

use std::process::Command;
use std::time::Duration;

use crate::harness::{Andon, Place, Signal, until};
use crate::survival::floor;

#[tokio::test]
async fn ready_means_ready() {
    // given
    let andon = Andon::up().await;

    // when the line has been printed
    let healthy = andon.client().get("/healthz").await;
    floor::ready(&andon.place.http_url(), &mut []).await;

    // then it serves at once, and the line was the only one
    assert_eq!(healthy.status, 200, "{healthy:?}");
    assert_eq!(andon.process.line(), None);
}

#[tokio::test]
async fn a_second_up_on_the_same_data_directory_is_refused() {
    // given
    let andon = Andon::up().await;

    // when
    let second = andon.place.command(&["up"]).output().expect("andon starts");

    // then it says who is in the way, and the first goes on
    let told = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success());
    assert!(told.contains("in use by another `andon up`"), "{told}");
    assert!(told.contains(&andon.process.pid().to_string()), "{told}");
    assert_eq!(andon.client().get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_killed_up_is_cleaned_up_by_the_next() {
    // given an `up` that was killed, whose servers live on
    let mut andon = Andon::up().await;
    until("Postgres runs", async || !andon.place.processes("postgres").is_empty()).await;
    andon.process.kill().await;
    let left_behind = andon.place.processes("nats-server");
    assert_eq!(left_behind.len(), 1);

    // when
    andon.again().await;

    // then the old server is gone, and one of each kind runs
    let nats = andon.place.processes("nats-server");
    assert_eq!(nats.len(), 1);
    assert_ne!(nats, left_behind);
    until("one Postgres runs", async || andon.place.processes("postgres").len() == 1).await;
}

#[tokio::test]
async fn sigterm_ends_everything_it_started() {
    // given
    let mut andon = Andon::up().await;

    // when
    let status = andon.process.terminate().await;

    // then
    assert!(status.success(), "{status}");
    assert!(andon.place.processes("nats-server").is_empty());
    assert!(andon.place.processes("postgres").is_empty());
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    // given servers that cannot end by themselves
    let mut andon = Andon::up().await;
    until("Postgres runs", async || !andon.place.processes("postgres").is_empty()).await;
    for pid in andon.place.processes("nats-server") {
        crate::harness::send(pid, Signal::SIGSTOP);
    }

    // when
    andon.process.signal(Signal::SIGTERM);
    andon.process.logged("a second signal stops at once").await;
    let asked = std::time::Instant::now();
    until("it has ended", async || {
        andon.process.signal(Signal::SIGTERM);
        andon.process.has_ended()
    })
    .await;

    // then it did not wait for them, and nothing is left
    assert!(asked.elapsed() < Duration::from_secs(5), "it took {:?}", asked.elapsed());
    until("nothing is left", async || {
        andon.place.processes("nats-server").is_empty() && andon.place.processes("postgres").is_empty()
    })
    .await;
}

#[tokio::test]
async fn servers_that_die_are_started_again() {
    // given
    let andon = Andon::up().await;
    until("Postgres answers", async || andon.place.sql("select 1").is_some()).await;

    for program in ["nats-server", "postgres"] {
        // when
        let before = andon.place.processes(program);
        for pid in &before {
            crate::harness::send(*pid, Signal::SIGKILL);
        }

        // then another process is in its place
        until("it runs again", async || {
            let now = andon.place.processes(program);
            now.len() == 1 && now != before
        })
        .await;
    }
    until("it is ready again", async || andon.client().get("/readyz").await.status == 200).await;
    until("Postgres answers again", async || andon.place.sql("select 1").is_some()).await;
}

#[tokio::test]
async fn without_its_binaries_it_says_what_to_do() {
    // given a place that knows of no Postgres
    let place = Place::new();
    let empty = place.directory().join("empty");
    std::fs::create_dir(&empty).expect("made");
    let place = place.set("pg_bin", &empty.display().to_string());

    // when
    let output = place.command(&["up"]).output().expect("andon starts");

    // then
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("ANDON_PG_BIN"), "{told}");
}

#[tokio::test]
async fn a_nats_server_that_went_mute_is_restarted() {
    // given a nats-server whose files cannot grow any more, as on a full disk
    let andon = Andon::up().await;
    let before = andon.place.processes("nats-server");
    let limited = Command::new("prlimit")
        .args(["--pid", &before[0].to_string(), "--fsize=4096"])
        .status()
        .expect("prlimit starts");
    assert!(limited.success());

    // when it is asked to store something, which it neither acknowledges nor refuses
    let nats = async_nats::jetstream::new(andon.place.nats("engine").await);
    let stored = nats.publish("andon.v1.seen.255", vec![0; 64 << 10].into()).await.expect("sent");
    let stored = tokio::time::timeout(Duration::from_secs(3), stored.into_future()).await;
    assert!(!matches!(stored, Ok(Ok(_))), "the limit had no effect: {stored:?}");

    // then another one takes its place, on the same port, and commands are served again
    until("it is restarted", async || {
        let now = andon.place.processes("nats-server");
        now.len() == 1 && now != before
    })
    .await;
    until("it is ready again", async || andon.client().get("/readyz").await.status == 200).await;
    andon.process.logged("restarting nats-server").await;
}

#[tokio::test]
async fn an_address_that_is_taken_ends_it_cleanly() {
    // given something that listens where the gateway should
    let place = Place::new();
    let address = place.http_url().replace("http://", "");
    let _taken = std::net::TcpListener::bind(address).expect("it was free");

    // when
    let output = place.command(&["up"]).output().expect("andon starts");

    // then it says so, and leaves nothing behind
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("the gateway cannot start"), "{told}");
    assert!(place.processes("nats-server").is_empty());
    assert!(place.processes("postgres").is_empty());
}
