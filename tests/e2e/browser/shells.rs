//! The pages before anybody has signed in: what they load, from where, how much, and whether the browser complains.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Browser, Language, Screen};
use crate::harness::{Andon, until};

/// All that the worker's page loads before it is first seen, compressed: a tablet on a bad network.
const WORKER_MAX_BYTES: u64 = 100 * 1_024;
/// The same with the heads of the answers, as it comes over the wire.
const WORKER_WIRE_MAX_BYTES: u64 = 120 * 1_024;

/// One request of a page.
#[derive(Clone, Debug, Default)]
struct Loaded {
    url: String,
    head: u64,
    /// The head included; none while it comes.
    bytes: Option<u64>,
}

/// What a page has asked for since the last call, by request, with what came over the wire.
async fn loaded(browser: &Browser, into: &mut BTreeMap<String, Loaded>) {
    for entry in browser.driver().logged("performance").await {
        let text = entry["message"].as_str().unwrap_or_default();
        let message: Value = serde_json::from_str::<Value>(text).unwrap_or_default()["message"].take();
        let parameters = &message["params"];
        let id = parameters["requestId"].as_str().unwrap_or_default().to_owned();
        match message["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                let url = parameters["request"]["url"].as_str().unwrap_or_default();
                // The browser's own page for a new tab, which may still load; no page of ours can ask for its files.
                if !url.starts_with("chrome") {
                    into.entry(id).or_default().url = url.to_owned();
                }
            }
            Some("Network.webSocketCreated") => {
                into.entry(id).or_default().url = parameters["url"].as_str().unwrap_or_default().to_owned();
            }
            // What was asked for before is not looked at any more.
            Some("Network.responseReceived") => {
                let head = parameters["response"]["encodedDataLength"].as_f64().unwrap_or_default() as u64;
                into.entry(id).and_modify(|request| request.head = head);
            }
            Some("Network.loadingFinished") => {
                let bytes = parameters["encodedDataLength"].as_f64().map(|bytes| bytes as u64);
                into.entry(id).and_modify(|request| request.bytes = bytes);
            }
            Some("Network.loadingFailed") => {
                into.entry(id).and_modify(|request| request.bytes = Some(0));
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_the_browser_does_not_complain() {
    let andon = Andon::up().await;
    let (url, host) = (andon.place.http_url(), andon.place.http_url().replace("http://", ""));
    for screen in Screen::ALL {
        for language in [Language::He, Language::En] {
            // given a device that has never been here
            let browser = Browser::at(&url, screen, language).await;
            for path in ["/", "/login", "/work", "/admin", "/admin/history", "/admin/nowhere"] {
                loaded(&browser, &mut BTreeMap::new()).await;
                let mut requests = BTreeMap::new();

                // when
                browser.go(path).await;
                let heading = async || !browser.now("heading", None, false).await.is_empty();
                until(&format!("{path} has a heading"), heading).await;
                loaded(&browser, &mut requests).await;

                // then
                assert!(requests.len() > 2, "{path}: {requests:?}");
                for Loaded { url, .. } in requests.values().filter(|request| !request.url.starts_with("data:")) {
                    let is_ours = url.split_once("://").is_some_and(|(_, rest)| rest.starts_with(&format!("{host}/")));
                    assert!(is_ours, "{path} asks for {url}");
                }
                let page =
                    browser.script("const { lang, dir } = document.documentElement; return [lang, dir];", vec![]);
                let direction = if language == Language::He { "rtl" } else { "ltr" };
                assert_eq!(page.await.expect("an answer"), serde_json::json!([language.code(), direction]), "{path}");
                browser.assert_no_complaints().await;
            }
            browser.close().await;
        }
    }
}

#[tokio::test]
async fn the_workers_page_is_small() {
    // given a tablet that has never been here
    let andon = Andon::up().await;
    let tablet = Browser::with(&andon.place.http_url(), Screen::Phone, &[]).await;
    // What a browser itself asks for when it starts.
    loaded(&tablet, &mut BTreeMap::new()).await;
    let mut requests = BTreeMap::new();

    // when it opens the page
    tablet.go("/").await;
    until("everything has come", async || {
        loaded(&tablet, &mut requests).await;
        let seen = !tablet.now("heading", None, false).await.is_empty();
        seen && requests.values().all(|request| request.bytes.is_some())
    })
    .await;

    // then it is Hebrew, and little
    let direction = tablet.script("return document.documentElement.dir", vec![]).await;
    assert_eq!(direction.expect("an answer"), "rtl");
    let body = |request: &Loaded| request.bytes.unwrap_or_default().saturating_sub(request.head);
    let list: String = requests.values().map(|request| format!("\n{:>7} {}", body(request), request.url)).collect();
    let (bodies, wire) = requests
        .values()
        .fold((0, 0), |(bodies, wire), one| (bodies + body(one), wire + one.bytes.unwrap_or_default()));
    println!("{bodies} bytes, {wire} on the wire:{list}");
    assert!(bodies > 10_000, "{bodies} bytes cannot be all");
    assert!(bodies <= WORKER_MAX_BYTES, "{bodies} bytes:{list}");
    assert!(wire <= WORKER_WIRE_MAX_BYTES, "{wire} bytes on the wire for {} files", requests.len());
    tablet.close().await;
}

#[tokio::test]
async fn pages_have_no_barriers_before_anybody_has_signed_in() {
    let andon = Andon::up().await;
    for screen in Screen::ALL {
        for language in [Language::He, Language::En] {
            let browser = Browser::at(&andon.place.http_url(), screen, language).await;
            for path in ["/login", "/admin", "/admin/nowhere"] {
                browser.go(path).await;
                let heading = async || !browser.now("heading", None, false).await.is_empty();
                until(&format!("{path} has a heading"), heading).await;
                browser.assert_accessible(&format!("{path} on a {screen}, {language:?}")).await;
            }
            browser.close().await;
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_page_fails_its_test() {
    // given a page that runs
    let andon = Andon::up().await;
    let browser = Browser::at(&andon.place.http_url(), Screen::Desktop, Language::En).await;
    browser.go("/admin").await;
    until("it has a heading", async || !browser.now("heading", None, false).await.is_empty()).await;
    browser.assert_no_complaints().await;

    // when something goes wrong in it, then each is a complaint
    for wrong in [
        "setTimeout(() => { throw new Error('on purpose') })",
        "Promise.reject(new Error('on purpose'))",
        "console.error('on purpose')",
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')",
        "const s = document.createElement('script'); s.textContent = '1'; document.body.append(s)",
        "const s = document.createElement('script'); s.src = 'http://localhost:1/x.js'; document.body.append(s)",
        "document.body.append(Object.assign(document.createElement('img'), { src: '/assets/nowhere.png' }))",
    ] {
        browser.script(wrong, Vec::new()).await.expect("it runs");
        until(&format!("{wrong} is a complaint"), async || {
            let mut console = super::Console::default();
            console.take(&browser.driver().logged("browser").await);
            console.is_unclean()
        })
        .await;
    }
    // and a barrier is seen
    let barrier = "document.body.insertAdjacentHTML('beforeend', '<img src=\"/assets/icons/icon.svg\">')";
    browser.script(barrier, Vec::new()).await.expect("it runs");
    assert!(!browser.barriers().await.is_empty());
    browser.listens().await;
    browser.close().await;
}
