//! `andon simulate`: whole shifts, without a single answer that was not expected.

use std::path::Path;
use std::process::Output;

use crate::harness::{Andon, Place};

/// A place with the demo factory, in which nobody works yet.
async fn empty_shop() -> Andon {
    let andon = Andon::up().await;
    let factory = Path::new(env!("CARGO_MANIFEST_DIR")).join("gateway/demo/factory.toml");
    let imported = andon.place.command(&["admin", "import", &factory.display().to_string()]).output();
    assert!(imported.expect("andon starts").status.success());
    andon.client().until_known("1012").await;
    andon
}

fn simulate(place: &Place, arguments: &[&str]) -> Output {
    let url = place.http_url();
    let all = [&["simulate", "--url", &url, "--speed", "2000"], arguments].concat();
    place.command(&all).output().expect("andon starts")
}

#[tokio::test]
async fn three_workers_do_whole_shifts_without_a_surprise() {
    let andon = empty_shop().await;

    let output = simulate(&andon.place, &["--workers", "3", "--for", "25s"]);

    // then each kind of thing was done, some sessions to their end
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains(" 0 answers not expected"), "{told}");
    assert!(!told.contains("\n0 sessions completed"), "{told}");
    for request in ["login", "open", "start-checklist", "status", "quantities", "complete"] {
        assert!(told.lines().any(|line| line.starts_with(request) && line.contains(" ok ")), "{request}: {told}");
    }
}

#[tokio::test]
async fn what_was_not_expected_is_printed_and_is_a_failure() {
    let andon = empty_shop().await;

    let output = simulate(&andon.place, &["--codes", "nobody", "--for", "4s"]);

    let told = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("unexpected: login: 404") && told.contains("NOT_FOUND"), "{told}");
}

#[tokio::test]
async fn a_worker_without_a_code_is_refused_before_anything_happens() {
    let place = Place::new();
    let output = simulate(&place, &["--workers", "11"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("11 workers need as many --codes; 10 are given"));
}
