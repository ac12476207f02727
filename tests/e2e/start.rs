//! `andon up` whose start fails or is broken off leaves nothing behind.

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Place, Signal, until};

/// A place whose nats-server is this shell script.
fn with_nats_server(script: &str) -> Place {
    let place = Place::new();
    let program = place.directory().join("nats-server");
    std::fs::write(&program, format!("#!/bin/bash\n{script}\n")).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    place.set("nats_server", &program.display().to_string())
}

#[tokio::test]
async fn a_nats_server_that_does_not_start_leaves_no_postgres_behind() {
    // given a nats-server that ends as soon as there is a file, and Postgres is started meanwhile
    let place = with_nats_server("cd \"$(dirname \"$0\")\"; until [ -e end ]; do sleep 0.05; done; exit 1");
    let mut andon = place.spawn(&["up"]);
    until("Postgres is being made", async || !place.processes("postgres").is_empty()).await;
    // The processes that make its files are another matter: they end with whoever started them.
    until("Postgres answers", async || place.sql("select 1").is_some()).await;

    // when
    std::fs::write(place.directory().join("end"), "").expect("written");
    until("it has ended", async || andon.has_ended()).await;

    // then
    assert!(place.processes("postgres").is_empty(), "Postgres lives on");
}

#[tokio::test]
async fn a_second_signal_during_the_start_leaves_nothing_behind_and_says_that_it_was_no_success() {
    // given a nats-server that never answers
    let place = with_nats_server("exec -a nats-server tail -f /dev/null \"$2\"");
    let mut andon = place.spawn(&["up"]);
    until("both run", async || !place.processes("postgres").is_empty() && !place.processes("nats-server").is_empty())
        .await;

    // when it is told twice to end
    andon.signal(Signal::SIGTERM);
    andon.logged("a second signal stops at once").await;
    until("it has ended", async || {
        andon.signal(Signal::SIGTERM);
        andon.has_ended()
    })
    .await;

    // then
    assert!(!andon.ended().await.success());
    until("nothing is left", async || {
        place.processes("nats-server").is_empty() && place.processes("postgres").is_empty()
    })
    .await;
}
