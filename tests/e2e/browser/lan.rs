//! `andon up --lan`: https for tablets, by an authority that they trust once.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{KeyPair, PublicKeyData as _};
use sha2::{Digest as _, Sha256};

use super::{Browser, Screen};
use crate::harness::{Andon, Place, https, until, until_some};

/// What the process has printed of where tablets connect.
struct Told {
    addresses: Vec<String>,
    port: u16,
}

async fn told(andon: &Andon) -> Told {
    let mut addresses = Vec::new();
    until_some("everything is told", async || {
        while let Some(line) = andon.process.line() {
            match line.trim().strip_prefix("https://") {
                Some(address) => addresses.push(address.to_owned()),
                // The last line.
                None if line.matches(':').count() == 31 => return Some(()),
                None => {}
            }
        }
        None
    })
    .await;
    let port = addresses[0].rsplit_once(':').expect("a port").1.parse().expect("a port");
    Told { addresses, port }
}

/// The status and the body of a page, asked for by a client that trusts this authority and nobody else.
async fn get(authority: &str, name: &str, port: u16, path: &str) -> std::io::Result<(String, String)> {
    https::get(authority, name, SocketAddr::from(([127, 0, 0, 1], port)), path).await
}

#[tokio::test]
async fn tablets_are_served_over_https_by_an_authority_that_outlives_a_restart() {
    // given
    let mut andon = Andon::start(Place::new(), &["up", "--lan=127.0.0.1:0"]).await;
    let first = told(&andon).await;
    let kept = std::fs::read_to_string(andon.place.data_dir().join("lan/ca.crt")).expect("the authority");

    // when the names that were told are asked for, by whoever trusts the authority, then each is served
    for address in &first.addresses {
        let name = address.rsplit_once(':').expect("a port").0.trim_matches(['[', ']']);
        let (head, body) = get(&kept, name, first.port, "/login").await.expect("it is trusted");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(body.starts_with("<!doctype html>"), "{body}");
    }
    let (head, body) = get(&kept, "localhost", first.port, "/lan/ca.crt").await.expect("it is trusted");
    assert!(head.contains("application/x-x509-ca-cert"), "{head}");
    assert_eq!(body, kept);

    // and a name that is not the machine's is refused, and so is somebody who trusts another authority
    assert!(get(&kept, "andon.example", first.port, "/login").await.is_err());
    let other = Andon::start(Place::new(), &["up", "--lan=127.0.0.1:0"]).await;
    let stranger = std::fs::read_to_string(other.place.data_dir().join("lan/ca.crt")).expect("the authority");
    assert!(get(&stranger, "localhost", first.port, "/login").await.is_err());

    // and after a restart the tablets that trust it go on
    andon.process.terminate().await;
    andon.again().await;
    let second = told(&andon).await;
    until("tablets are served", async || {
        get(&kept, "localhost", second.port, "/readyz").await.expect("it is trusted").0.contains("200")
    })
    .await;
    // while the machine itself is served as before, without https
    until("the machine is served", async || andon.client().get("/readyz").await.status == 200).await;
}

#[tokio::test]
async fn there_is_no_authority_unless_asked_for_and_not_beside_another_certificate() {
    let andon = Andon::up().await;
    assert_eq!(andon.client().get("/lan/ca.crt").await.refused(404), "NOT_FOUND");
    assert!(!andon.place.data_dir().join("lan").exists());
    let file = andon.place.directory().join("some.pem");
    std::fs::write(&file, "").expect("written");
    let place = Place::new().set("tls_cert", &file.display().to_string()).set("tls_key", &file.display().to_string());
    let output = place.command(&["up", "--lan"]).output().expect("andon starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("--lan"), "{said}");
}

#[tokio::test]
async fn a_tablet_that_trusts_the_authority_gets_what_browsers_keep_for_https() {
    // given a browser that trusts whatever this authority has signed, at a name of the network
    let andon = Andon::start(Place::new(), &["up", "--lan=127.0.0.1:0"]).await;
    let told = told(&andon).await;
    let named = told.addresses.iter().find(|address| address.contains(".local:")).expect("a name");
    let resolved = "--host-resolver-rules=MAP *.local 127.0.0.1".to_owned();
    let tablet = Browser::with(&format!("https://{named}"), Screen::Phone, &[trusting(&andon), resolved]).await;

    // when
    tablet.go("/login").await;

    // then
    let offered =
        "return [isSecureContext, 'serviceWorker' in navigator, 'wakeLock' in navigator, !!crypto.randomUUID]";
    assert_eq!(tablet.script(offered, vec![]).await.expect("an answer"), serde_json::json!([true, true, true, true]));
    until("the page is kept for when the network is away", async || {
        let script = "return (await navigator.serviceWorker.getRegistration())?.active?.state === 'activated'";
        tablet.async_script(script, vec![]).await == true
    })
    .await;
    tablet.close().await;
}

/// Chromium's flag by the hash of the authority's key, which stands for having installed it.
fn trusting(andon: &Andon) -> String {
    let kept = std::fs::read_to_string(andon.place.data_dir().join("lan/authority.toml")).expect("the authority");
    let kept: toml::Table = toml::from_str(&kept).expect("TOML");
    let key = KeyPair::from_pem(kept["key"].as_str().expect("text")).expect("a key");
    let hash = BASE64_STANDARD.encode(Sha256::digest(key.subject_public_key_info()));
    format!("--ignore-certificate-errors-spki-list={hash}")
}
