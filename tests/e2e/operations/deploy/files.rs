//! What the files in `deploy/` name must be what the program has: settings, commands, ports, time to drain.

use std::collections::BTreeMap;

use serde_json::Value;

use super::deploy;
use crate::harness::Place;

const ROLES: [&str; 4] = ["engine", "gateway", "persistence", "operator"];

fn read(file: &str) -> String {
    std::fs::read_to_string(deploy().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn toml_of(role: &str) -> toml::Table {
    toml::from_str(&read(&format!("andon/{role}.toml"))).unwrap_or_else(|error| panic!("{role}: {error}"))
}

/// The assignments of a unit by name; each may stand several times.
fn unit(role: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in read(&format!("systemd/andon-{role}.service")).lines() {
        if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            found.entry(name.to_owned()).or_default().push(value.to_owned());
        }
    }
    found
}

fn compose() -> Value {
    serde_saphyr::from_str(&read("compose.yaml")).expect("YAML")
}

/// Every setting of the program, by its name in a file.
fn settings() -> Vec<String> {
    let output = Place::new().command(&["config"]).output().expect("andon starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // What is not set stands behind a `#`.
    let names = text.lines().map(|line| line.trim_start_matches(['#', ' ']));
    names.filter_map(|line| line.split(['=', ' ']).next().map(str::to_owned)).collect()
}

/// Seconds that a role may take to drain, from where the program says it.
fn drain_seconds() -> u64 {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/roles.rs")).expect("the source");
    let (_, rest) = source.split_once("DRAIN_LIMIT: Duration = Duration::from_secs(").expect("the limit");
    rest.split_once(')').expect("a number").0.parse().expect("a number")
}

#[test]
fn every_setting_that_they_name_is_one() {
    let settings = settings();
    assert!(settings.iter().any(|name| name == "nats_ca"), "{settings:?}");
    for role in ROLES {
        for name in toml_of(role).keys() {
            assert!(settings.contains(name), "{role}.toml: {name}");
        }
    }
    for role in ["engine", "gateway", "persistence"] {
        for variable in unit(role).get("Environment").into_iter().flatten().flat_map(|line| line.split(' ')) {
            let (name, _) = variable.split_once('=').expect("an assignment");
            let name = name.strip_prefix("ANDON_").expect("a setting").to_lowercase();
            assert!(settings.contains(&name), "andon-{role}.service: {name}");
        }
    }
}

#[test]
fn units_start_their_role_hardened_and_give_it_time_to_drain() {
    const HARDENED: [(&str, &str); 8] = [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("CapabilityBoundingSet", ""),
        ("RestrictSUIDSGID", "yes"),
        ("SystemCallFilter", "@system-service"),
        ("Restart", "always"),
    ];
    for role in ["engine", "gateway", "persistence", "nats"] {
        let unit = unit(role);
        let of = |name: &str| unit.get(name).and_then(|values| values.last()).map(String::as_str);
        for (name, value) in HARDENED {
            assert_eq!(of(name), Some(value), "andon-{role}.service: {name}");
        }
        let stop: u64 = of("TimeoutStopSec").expect("a limit").parse().expect("seconds");
        assert!(stop > 3 * drain_seconds(), "{role}: {stop} s");
        let started = of("ExecStart").expect("a program");
        if role == "nats" {
            assert!(of("User").is_some() && of("StateDirectory") == Some("andon/nats"), "{unit:?}");
            assert!(started.contains("-c /etc/andon/nats/nats-server.conf"), "{started}");
        } else {
            assert_eq!(of("DynamicUser"), Some("yes"), "{role}");
            assert!(started.starts_with(&format!("/usr/local/bin/andon {role} --config ")), "{started}");
            let helped = Place::new().command(&[role, "--help"]).output().expect("andon starts");
            assert!(helped.status.success(), "andon has no command {role}");
        }
    }
}

#[test]
fn ports_and_places_agree() {
    let nats = read("nats/nats-server.conf");
    for place in ["0.0.0.0:4222", "0.0.0.0:6222", "127.0.0.1:8222", "sync_interval: always", "verify: true"] {
        assert!(nats.contains(place), "nats-server.conf: {place}");
    }
    for number in 1..=3 {
        assert!(nats.contains(&format!("@@NATS_{number}@:6222")));
        for role in ROLES {
            let url = toml_of(role)["nats_url"].as_str().expect("text").to_owned();
            assert!(url.contains(&format!("@NATS_{number}@:4222")) && url.starts_with("tls://"), "{role}: {url}");
        }
    }
    for role in ["gateway", "persistence", "operator"] {
        let url = toml_of(role)["database_url"].as_str().expect("text").to_owned();
        assert!(url.contains("@DATABASE@:5432/andon?sslmode=verify-full&sslrootcert=/etc/andon/tls/ca.pem"), "{url}");
    }
    for role in ROLES {
        assert_eq!(toml_of(role)["replicas"].as_integer(), Some(3), "{role}");
    }
}

#[test]
fn the_compose_file_has_three_of_everything_and_mounts_what_is_made() {
    let compose = compose();
    let services = compose["services"].as_object().expect("services");
    let count = |start: &str| services.keys().filter(|name| name.starts_with(start)).count();
    assert_eq!([count("nats-"), count("engine-"), count("gateway-"), count("persistence-")], [3, 3, 2, 2]);
    for (name, service) in services {
        // what a command line names is mounted, and comes from what deploy/prepare makes
        let volumes = service["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let volumes: Vec<_> = volumes.iter().filter_map(Value::as_str).map(|text| text.split(':')).collect();
        let mounted: Vec<_> = volumes.iter().filter_map(|parts| parts.clone().nth(1)).collect();
        let words = ["command", "entrypoint"].into_iter().filter_map(|part| service[part].as_array()).flatten();
        for file in words.filter_map(Value::as_str).filter(|word| word.starts_with("/etc/")) {
            let is_there = mounted.iter().any(|place| file.starts_with(place));
            assert!(is_there, "{name} reads {file} and mounts {mounted:?}");
        }
        // and a role is given time to drain, and nothing that it does not need
        if service["image"] == "andon" {
            let grace = service["stop_grace_period"].as_str().expect("a limit").trim_end_matches('s').parse::<u64>();
            assert!(grace.expect("seconds") > 3 * drain_seconds(), "{name}");
            assert_eq!((&service["read_only"], &service["cap_drop"][0]), (&Value::Bool(true), &"ALL".into()), "{name}");
        }
    }
    let published: Vec<_> = ["gateway-1", "gateway-2"].map(|name| services[name]["ports"][0].as_str()).into();
    assert!(published.iter().all(|ports| ports.is_some_and(|ports| ports.ends_with(":8443"))), "{published:?}");
    assert_eq!(toml_of("gateway")["http_addr"].as_str(), Some("0.0.0.0:8443"));
}

#[test]
fn the_image_is_built_with_the_toolchain_that_the_workspace_names() {
    let workspace = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).expect("read");
    let workspace: toml::Table = toml::from_str(&workspace).expect("TOML");
    let version = workspace["workspace"]["package"]["rust-version"].as_str().expect("text");
    assert!(read("Dockerfile").contains(&format!("FROM rust:{version}-slim")), "{version}");
}
