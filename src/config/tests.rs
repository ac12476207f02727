//! Precedence, and that every problem is told at once.

use std::ffi::OsString;

use super::*;

fn layers(flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: &str) -> Layers {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("andon.toml");
    std::fs::write(&path, file).expect("the file is written");
    let flags = flags.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let environment: Vec<(OsString, OsString)> =
        environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
    Layers::gather(flags.collect(), Some(path), environment.into_iter())
}

fn problems(layers: &Layers, needs: Needs) -> Vec<String> {
    match Config::from_layers(layers, needs) {
        Ok(_) => Vec::new(),
        Err(error) => error.problems,
    }
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    // given the same setting on every layer, each time one layer less
    let file = "http_addr = '127.0.0.1:3'\nidle_timeout = '30s'\nreplicas = 3";
    let environment = [("ANDON_HTTP_ADDR", "127.0.0.1:2"), ("ANDON_IDLE_TIMEOUT", "20s")];
    let layers = layers(&[("http_addr", "127.0.0.1:1")], &environment, file);

    // when
    let config = Config::from_layers(&layers, Needs::default()).expect("a valid configuration");

    // then
    assert_eq!(config.http_addr.port(), 1);
    assert_eq!(config.idle_timeout, Duration::from_secs(20));
    assert_eq!(config.nats.replicas, 3);
    assert_eq!(config.retention, Duration::from_secs(7 * 24 * 3600));
    let source = |key| {
        let found = layers.find(key).expect("readable").expect("present");
        found.source
    };
    assert_eq!(source(&keys::HTTP_ADDR), "flag --http-addr");
    assert_eq!(source(&keys::IDLE_TIMEOUT), "ANDON_IDLE_TIMEOUT");
    assert!(source(&keys::REPLICAS).contains("andon.toml"));
    assert_eq!(source(&keys::RETENTION), "default");
}

#[test]
fn every_problem_is_told_at_once() {
    // given a problem on each layer, of each kind
    let layers = layers(
        &[("http_addr", "localhost")],
        &[("ANDON_REPLICAS", "2"), ("ANDON_TLS_CERT", "/nonexistent"), ("ANDON_NATS_URL", "nats://127.0.0.1:4222")],
        "idle_timeout = '10ms'\nhtp_addr = '127.0.0.1:1'\nretention = { days = 7 }",
    );

    // when
    let problems = problems(&layers, Needs { nats: true, database: true, ..Needs::default() });

    // then
    let expected = [
        "htp_addr (from",
        "http_addr = \"localhost\" (from flag --http-addr): must be an address",
        "nats_monitor_url is missing",
        "replicas = \"2\" (from ANDON_REPLICAS): must be 1 or 3",
        "database_url is missing",
        "idle_timeout = \"10ms\"",
        "retention (from",
        "tls_cert = \"/nonexistent\"",
        "tls_key is missing",
    ];
    for wanted in expected {
        assert!(problems.iter().any(|problem| problem.contains(wanted)), "{wanted} is not in {problems:#?}");
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

#[test]
fn text_from_the_environment_is_not_guessed_into_a_number() {
    let layers = layers(&[], &[("ANDON_ADMIN_PASSWORD", "0012345678")], "");
    let config = Config::from_layers(&layers, Needs::default()).expect("a valid configuration");
    let password = config.admin_password.expect("a password");
    assert_eq!(password.expose(), "0012345678");
}

#[test]
fn a_wrong_secret_is_not_printed() {
    let layers = layers(&[], &[("ANDON_ADMIN_PASSWORD", "hunter2"), ("ANDON_NATS_URL", "swordfish")], "");
    let problems = problems(&layers, Needs::default()).join("\n");
    assert!(problems.contains("admin_password"), "{problems}");
    assert!(!problems.contains("hunter2"), "{problems}");
    assert!(!problems.contains("swordfish"), "{problems}");
    assert!(!print::list(&layers).contains("hunter2"));
}

#[test]
fn an_unknown_variable_is_a_warning_only() {
    let layers = layers(&[], &[("ANDON_IMAGE", "x")], "");
    let config = Config::from_layers(&layers, Needs::default()).expect("a valid configuration");
    assert_eq!(config.warnings.len(), 1);
}

#[test]
fn what_andon_config_prints_can_be_kept_as_a_file() {
    let printed = print::list(&layers(&[("allowed_origins", "https://a.example,https://b.example")], &[], ""));
    toml::from_str::<toml::Table>(&printed).expect("valid TOML");
}

#[test]
fn a_command_beside_a_running_system_need_not_know_where_the_log_is_watched() {
    let layers = layers(&[], &[("ANDON_NATS_URL", "nats://127.0.0.1:4222")], "");
    assert_eq!(problems(&layers, Needs::default()).len(), 1);
    let config = Config::from_layers(&layers, Needs::BESIDE).expect("enough to connect");
    assert!(config.nats.url.is_some());
}
