//! Guessing codes and passwords, tokens that were there before, and tokens that must not be any more.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::hall::{Hall, ask, from, sign_in, text};
use crate::harness::{ADMIN_PASSWORD, BUSY, Client, Place, until};

/// A revocation holds everywhere by then.
const REVOKED_WITHIN: Duration = Duration::from_secs(2);

async fn try_code(client: &Client, code: &str) -> (u16, Value) {
    let answer = client.post("/api/workers/login", &json!({"workerCode": code})).await;
    (answer.status, answer.body)
}

/// Fault 26: somebody tries many codes.
#[tokio::test]
async fn spraying_codes_is_braked_where_it_comes_from_and_nowhere_else() {
    // given a station from which somebody tries code after code
    let mut hall = Hall::open().await;
    let sprayer = from(&hall, [127, 0, 0, 66]);

    // when
    let (mut wrong, mut braked) = (0, 0);
    for number in 0..300 {
        match try_code(&sprayer, &format!("9{number:03}")).await {
            (404, body) => {
                assert_eq!(body["error"], "NOT_FOUND");
                wrong += 1;
            }
            (429, body) => {
                assert_eq!(body["error"], "TOO_MANY_ATTEMPTS");
                braked += 1;
            }
            other => panic!("{other:?}"),
        }
    }

    // then it gets nowhere, not even with a code that is right; and others sign in
    assert!(wrong <= 15, "{wrong} guesses were judged");
    assert_eq!(wrong + braked, 300);
    assert_eq!(try_code(&sprayer, "1001").await.0, 429);
    assert_eq!(try_code(&from(&hall, [127, 0, 0, 77]), "1002").await.0, 200);
    hall.is_unharmed().await;
}

/// Fault 26: somebody listens to how codes are refused.
#[tokio::test]
async fn unknown_and_inactive_codes_are_answered_alike() {
    // given a worker who may not sign in any more
    let hall = Hall::open().await;
    let admin = hall.admin().await;
    let worker = hall.andon.worker("1003").await;
    let path = format!("/api/admin/directory/worker/{}", worker.id);
    let sequence = admin.get(&path).await.ok()["sequence"].to_string();
    let put = admin.request(Method::PUT, &path).header("If-Match", sequence).json(&json!({"is_active": false}));
    admin.send(put).await.expect("an answer").ok();

    // when that code and one of nobody are tried in turns
    let (mut inactive, mut unknown) = (Vec::new(), Vec::new());
    for address in 100..104 {
        let client = from(&hall, [127, 0, 0, address]);
        for _ in 0..5 {
            for (code, times) in [("1003", &mut inactive), ("9999", &mut unknown)] {
                let started = Instant::now();
                let answer = try_code(&client, code).await;
                times.push(started.elapsed());
                // then status and body are the same
                assert_eq!(answer, (404, json!({"error": "NOT_FOUND", "message": "there is no such thing"})));
            }
        }
    }
    // and roughly the time
    let middle = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (inactive, unknown) = (middle(&mut inactive), middle(&mut unknown));
    let apart = inactive.max(unknown) - inactive.min(unknown);
    assert!(apart < Duration::from_millis(20), "{inactive:?} and {unknown:?}");
}

/// Fault 31: two hundred wrong passwords at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_wrong_passwords_takes_neither_memory_nor_the_workers_time() {
    // given a worker at work
    let mut hall = Hall::open().await;
    hall.admin().await;
    let (worker, _) = hall.at_work("1001").await;
    let before = hall.resident_kib();

    // when 200 wrong passwords come at once, from 20 addresses
    let clients: Vec<_> = (0..20).map(|number| from(&hall, [127, 0, 1, number + 1])).collect();
    let flood = join_all((0..200).map(|number| {
        let client = clients[number % clients.len()].clone();
        tokio::spawn(async move { sign_in(&client, "admin", "a wrong password").await })
    }));
    let flood = tokio::spawn(flood);
    let (mut longest, mut most, mut beats) = (Duration::ZERO, before, 0);
    while !flood.is_finished() {
        let started = Instant::now();
        worker.status(if beats % 2 == 0 { "setup" } else { "fault" }).await.ok();
        worker.heartbeat().await.ok();
        longest = longest.max(started.elapsed());
        most = most.max(hall.resident_kib());
        beats += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // then few are judged, and the others sent away
    let answers = flood.await.expect("no panic");
    let mut statuses = std::collections::BTreeMap::new();
    for answer in answers {
        *statuses.entry(answer.expect("no panic").status).or_insert(0) += 1;
    }
    assert!(statuses.keys().all(|status| [404, 429, 503].contains(status)), "{statuses:?}");
    assert!(statuses.get(&429).is_some_and(|braked| *braked >= 90), "{statuses:?}");

    // and the worker is served: two hashes at once take 38 MiB and one core each
    assert!(longest < Duration::from_secs(2) + BUSY, "the worker waited {longest:?}");
    assert!(most < before + (128 << 10), "{before} KiB before, {most} at most");
    hall.is_unharmed().await;
}

/// Fault 32: a cookie that was planted.
#[tokio::test]
async fn a_token_that_was_there_before_is_worth_nothing_after_signing_in() {
    // given a browser in which somebody has planted a cookie, and one that was signed in before
    let hall = Hall::open().await;
    let worker = hall.andon.worker("1001").await;
    let name = format!("andon_worker_{}", worker.id.replace('-', ""));
    let planted = hall.andon.client().request(Method::POST, "/api/workers/login");
    let planted = planted.header("Cookie", format!("{name}=planted")).header("Sec-Fetch-Site", "same-origin");
    let response = planted.json(&json!({"workerCode": "1001"})).send().await.expect("an answer");

    // when the worker signs in, then the token is a new one
    let set = response.headers()["set-cookie"].to_str().expect("ASCII").to_owned();
    assert!(set.starts_with(&format!("{name}=")) && !set.contains("planted"), "{set}");
    let first = set.split(['=', ';']).nth(1).expect("a token").to_owned();
    let again = hall.andon.client().request(Method::POST, "/api/workers/login");
    let again = again.header("Cookie", format!("{name}={first}")).header("Sec-Fetch-Site", "same-origin");
    let answer = hall.andon.client().send(again.json(&json!({"workerCode": "1001"}))).await.expect("an answer").ok();

    // and the one before it is not good any more
    let old = hall.andon.client().with_token(first);
    until("the old token is refused", async || old.get("/api/reasons").await.status == 401).await;
    let new = hall.andon.client().with_token(text(&answer["token"]));
    assert_eq!(new.get("/api/reasons").await.status, 200);
    assert_eq!(old.clone().with_token("planted").get("/api/reasons").await.status, 401);
}

/// Fault 32: a sign-in is revoked.
#[tokio::test]
async fn what_is_revoked_at_one_gateway_is_worth_nothing_at_another() {
    // given two gateways, and accounts and workers who are signed in
    let hall = Hall::open().await;
    let admin = hall.admin().await;
    let beside = hall.andon.gateway_beside().await;
    let there = beside.client();
    let viewer = hall.account(&admin, "viewer", "viewer", None).await;
    let changed = hall.account(&admin, "changed", "admin", None).await;
    let worker = hall.andon.worker("1001").await;
    let gone = hall.andon.worker("1002").await;
    let elsewhere = |client: &Client| there.clone().with_token(client.token().expect("signed in"));
    for (client, path) in [
        (&viewer, "/api/admin/me"),
        (&changed, "/api/admin/me"),
        (&worker.client, "/api/reasons"),
        (&gone.client, "/api/reasons"),
    ] {
        assert_eq!(elsewhere(client).get(path).await.status, 200);
    }

    // when, at the first one, an account is disabled, a password set, a worker signs out and another is disabled
    ask(&admin, Method::PATCH, "/api/admin/accounts/viewer", &json!({"is_active": false})).await.ok();
    ask(&admin, Method::PATCH, "/api/admin/accounts/changed", &json!({"password": "another long one"})).await.ok();
    worker.client.post("/api/workers/logout", &json!({})).await.ok();
    let path = format!("/api/admin/directory/worker/{}", gone.id);
    let sequence = admin.get(&path).await.ok()["sequence"].to_string();
    let put = admin.request(Method::PUT, &path).header("If-Match", sequence).json(&json!({"is_active": false}));
    admin.send(put).await.expect("an answer").ok();

    // then none of these tokens is good at the second one, within two seconds
    let revoked = Instant::now();
    for (client, path) in [
        (&viewer, "/api/admin/me"),
        (&changed, "/api/admin/me"),
        (&worker.client, "/api/reasons"),
        (&gone.client, "/api/reasons"),
    ] {
        until("it is refused", async || elsewhere(client).get(path).await.status == 401).await;
        assert_eq!(client.get(path).await.status, 401);
    }
    assert!(revoked.elapsed() < REVOKED_WITHIN + BUSY, "it took {:?}", revoked.elapsed());

    // and whoever may, signs in again at once
    assert_eq!(sign_in(&there, "viewer", "a long password").await.refused(404), "NOT_FOUND");
    assert_eq!(sign_in(&there, "changed", "a long password").await.refused(404), "NOT_FOUND");
    let again = sign_in(&there, "changed", "another long one").await.ok();
    assert_eq!(there.clone().with_token(text(&again["token"])).get("/api/admin/me").await.status, 200);
}

#[tokio::test]
async fn a_password_set_at_the_command_line_ends_what_is_signed_in() {
    let hall = Hall::open().await;
    let admin = hall.admin().await;
    let output =
        hall.andon.place.command(&["admin", "account", "set-password", "Admin"]).output().expect("andon starts");
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("warning"), "{output:?}");
    until("it is refused", async || admin.get("/api/admin/me").await.status == 401).await;
    assert_eq!(sign_in(&hall.andon.client(), "admin", ADMIN_PASSWORD).await.status, 404);
}

#[tokio::test]
async fn worker_codes_are_accepted_from_enrolled_browsers_only_where_it_is_asked_for() {
    // given a factory that asks for it
    let place = Place::new().set("idle_timeout", "1h");
    let hall = Hall::open_without_workers(place.set("require_enrolled_device", "true")).await;
    let admin = hall.admin().await;
    let tablet = hall.andon.client().with_cookies();
    let code = json!({"workerCode": "1001"});

    // when a browser that nobody has enrolled tries a code, then it is told so, right or wrong
    for code in ["1001", "9999"] {
        let answer = tablet.post("/api/workers/login", &json!({"workerCode": code})).await;
        assert_eq!(answer.refused(403), "DEVICE_NOT_ENROLLED");
    }

    // when an admin enrols it, then workers sign in
    let page = |path: &str, body: &Value| {
        let request = tablet.request(Method::POST, path).header("Sec-Fetch-Site", "same-origin").json(body);
        tablet.send(request)
    };
    page("/api/admin/login", &json!({"account": "admin", "password": ADMIN_PASSWORD})).await.expect("an answer").ok();
    let enrolled = page("/api/admin/devices", &json!({"name": "Tablet 1"})).await.expect("an answer").ok();
    page("/api/admin/logout", &json!({})).await.expect("an answer").ok();
    let signed_in = page("/api/workers/login", &code).await.expect("an answer").ok();
    let worker = hall.andon.client().with_token(text(&signed_in["token"]));
    assert_eq!(worker.get("/api/reasons").await.status, 200);
    let listed = admin.get("/api/admin/devices").await.ok();
    assert_eq!(
        (&listed["required"], text(&listed["devices"][0]["name"]), text(&listed["devices"][0]["enrolled_by"])),
        (&json!(true), "Tablet 1", "admin")
    );

    // when the enrolment is ended, then nobody signs in there, and whoever did is signed out
    let path = format!("/api/admin/devices/{}", text(&enrolled["device"]["id"]));
    ask(&admin, Method::DELETE, &path, &json!({})).await.ok();
    until("it is refused", async || worker.get("/api/reasons").await.status == 401).await;
    assert_eq!(page("/api/workers/login", &code).await.expect("an answer").refused(403), "DEVICE_NOT_ENROLLED");
}
