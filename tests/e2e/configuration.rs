//! The configuration as a person meets it: at the command line.

use crate::harness::Place;

#[test]
fn every_problem_is_told_at_once_and_nothing_is_started() {
    // given three settings that are wrong
    let place = Place::new().set("http_addr", "localhost").set("replicas", "2").set("log", "engine=loud");

    // when
    let output = place.command(&["up", "--idle-timeout", "1ms"]).output().expect("andon starts");

    // then all are named with their source, and not even the data directory was made
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for wanted in ["4 problems", "ANDON_HTTP_ADDR", "ANDON_REPLICAS", "ANDON_LOG", "--idle-timeout"] {
        assert!(told.contains(wanted), "{wanted} is not in: {told}");
    }
    assert!(!place.data_dir().exists());
}

#[test]
fn it_is_printed_with_sources_and_without_secrets() {
    // given secrets in the environment
    let place = Place::new()
        .set("admin_password", "correct horse")
        .set("database_url", "postgres://andon:swordfish@db.example/andon");

    // when
    let output = place.command(&["config", "--http-addr", "127.0.0.1:1"]).output().expect("andon starts");

    // then
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert!(!told.contains("horse") && !told.contains("swordfish"), "{told}");
    assert!(told.contains("db.example"), "{told}");
    let line = |name: &str| told.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("http_addr").ends_with("# flag --http-addr"), "{told}");
    assert!(line("database_url").ends_with("# ANDON_DATABASE_URL"), "{told}");
    assert!(line("idle_timeout").ends_with("# default"), "{told}");
}

#[test]
fn a_single_role_says_which_servers_it_needs() {
    // given no address of any server
    let place = Place::new();

    // when
    let output = place.command(&["persistence"]).output().expect("andon starts");

    // then
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("ANDON_NATS_URL") && told.contains("ANDON_DATABASE_URL"), "{told}");
}
