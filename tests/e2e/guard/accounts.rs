//! Accounts over HTTP, and what is written down of what they do.

use reqwest::Method;
use serde_json::{Value, json};

use super::hall::{Hall, ask, sign_in, text};
use crate::harness::{RawSocket, Signal, send, until, until_some, with_children};

async fn actions(admin: &crate::harness::Client, query: &str) -> Vec<(String, String, String)> {
    let audit = admin.get(&format!("/api/admin/audit?{query}")).await.ok();
    let entries = audit["entries"].as_array().expect("a list").clone();
    let field = |entry: &Value, name: &str| text(&entry[name]).to_owned();
    entries.iter().map(|entry| (field(entry, "actor"), field(entry, "action"), field(entry, "record_id"))).collect()
}

#[tokio::test]
async fn accounts_are_made_changed_and_disabled_and_there_is_always_an_admin() {
    // given
    let hall = Hall::open().await;
    let admin = hall.admin().await;
    let make = json!({"account": "Lead", "password": "a long password", "role": "supervisor"});

    // when an account is made, then it is listed, without its password, and exists once
    let made = admin.post("/api/admin/accounts", &make).await.ok();
    assert_eq!((&made["account"]["role"], &made["account"]["is_active"]), (&json!("supervisor"), &json!(true)));
    let listed = admin.get("/api/admin/accounts").await.ok();
    assert_eq!(listed["accounts"].as_array().map(Vec::len), Some(2));
    assert!(!listed.to_string().contains("argon2"), "{listed}");
    let twice = json!({"account": "LEAD", "password": "a long password", "role": "viewer"});
    assert_eq!(admin.post("/api/admin/accounts", &twice).await.refused(409), "ACCOUNT_EXISTS");

    // when what cannot be is asked for, then it is refused and changes nothing
    for bad in [
        json!({"account": "x", "password": "short", "role": "viewer"}),
        json!({"account": "x", "password": "a long password", "role": "boss"}),
        json!({"account": "x", "password": "a long password", "role": "viewer", "stations": ["0190a5c0-0000-7000-8000-00000000dead"]}),
        json!({"account": " ", "password": "a long password", "role": "viewer"}),
        json!({"account": "x", "role": "viewer"}),
    ] {
        assert_eq!(admin.post("/api/admin/accounts", &bad).await.refused(400), "INVALID_PAYLOAD", "{bad}");
    }
    let patch =
        async |name: &str, body: Value| ask(&admin, Method::PATCH, &format!("/api/admin/accounts/{name}"), &body).await;
    assert_eq!(patch("nobody", json!({"role": "viewer"})).await.refused(404), "NOT_FOUND");
    assert_eq!(patch("lead", json!({})).await.refused(400), "INVALID_PAYLOAD");
    assert_eq!(patch("admin", json!({"role": "viewer"})).await.refused(409), "LAST_ADMIN");
    assert_eq!(patch("admin", json!({"is_active": false})).await.refused(409), "LAST_ADMIN");
    assert_eq!(admin.get("/api/admin/me").await.status, 200, "a refused change ends no sign-in");

    // when it is limited, raised and disabled, then each takes effect
    let worker = hall.andon.worker("1001").await;
    let station = text(&worker.stations().await[0]["id"]).to_owned();
    let limited = patch("lead", json!({"stations": [station], "role": "viewer"})).await.ok();
    assert_eq!((&limited["account"]["role"], &limited["account"]["stations"]), (&json!("viewer"), &json!([station])));
    let lifted = patch("lead", json!({"all_stations": true})).await.ok();
    assert_eq!(lifted["account"]["stations"], Value::Null);
    sign_in(&hall.andon.client(), "lead", "a long password").await.ok();
    patch("lead", json!({"is_active": false})).await.ok();
    assert_eq!(sign_in(&hall.andon.client(), "lead", "a long password").await.refused(404), "NOT_FOUND");
}

#[tokio::test]
async fn what_accounts_do_is_written_down() {
    // given an admin, a supervisor and a worker at work
    let hall = Hall::open().await;
    let admin = hall.admin().await;
    let lead = hall.account(&admin, "lead", "supervisor", None).await;
    let (worker, _) = hall.at_work("1001").await;
    let session = worker.session.clone().expect("open");

    // when they do what accounts do
    lead.post(&format!("/api/admin/sessions/{session}/close"), &json!({})).await.ok();
    lead.post("/api/admin/sessions/close-all", &json!({})).await.ok();
    lead.post("/api/admin/logout", &json!({})).await.ok();
    admin.get("/api/admin/directory/export").await;
    ask(&admin, Method::PATCH, "/api/admin/accounts/lead", &json!({"role": "viewer", "password": "a longer password"}))
        .await
        .ok();
    let path = "/api/admin/directory/reason/0190a5c0-0000-7000-8000-000000000001";
    let reason = json!({"type": "stop", "label_he": "x", "label_ru": "x", "label_en": "x"});
    let put = admin.request(Method::PUT, path).header("If-Match", "0").json(&reason);
    admin.send(put).await.expect("an answer").ok();

    // then each stands in the audit, newest first, under its own name
    let by_lead = until_some("the audit has it", async || {
        let found = actions(&admin, "actor=admin:lead").await;
        (found.len() == 4).then_some(found)
    })
    .await;
    let told: Vec<_> = by_lead.iter().map(|(_, action, on)| (action.as_str(), on.as_str())).collect();
    assert_eq!(
        told,
        [("sign_out", "lead"), ("close_all_sessions", ""), ("close_session", session.as_str()), ("sign_in", "lead")]
    );
    until("the audit has the rest", async || {
        let found = actions(&admin, "actor=admin:admin&kind=account&id=lead").await;
        let told: Vec<_> = found.iter().map(|(_, action, _)| action.as_str()).collect();
        told == ["change_account", "set_password", "create_account"]
    })
    .await;
    until("the edit is there", async || {
        actions(&admin, "kind=reason&id=0190a5c0-0000-7000-8000-000000000001").await.len() == 1
    })
    .await;
    assert_eq!(actions(&admin, "kind=directory").await.len(), 1);

    // and it is read a page at a time, to its end and without a gap
    let all = actions(&admin, "limit=200").await;
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/api/admin/audit?limit=7&cursor={cursor}")).await.ok();
        let entries = page["entries"].as_array().expect("a list");
        paged.extend(entries.iter().map(|entry| (entry["sequence"].clone(), entry["record_id"].clone())));
        match page["next_cursor"].as_str() {
            Some(next) if paged.len() < 200 => cursor = next.to_owned(),
            _ => break,
        }
    }
    assert!(paged.len() >= all.len().min(200));
    let mut unique = paged.clone();
    unique.dedup();
    assert_eq!(unique.len(), paged.len());

    // and holds no secret
    let text = admin.get("/api/admin/audit?limit=200").await.ok().to_string();
    assert!(!text.contains("longer password") && !text.contains("argon2"), "{text}");
}

/// Fault 14: Postgres is frozen while somebody reads.
#[tokio::test]
async fn without_postgres_history_says_so_and_the_live_view_goes_on() {
    // given a worker at work, and a Postgres that does not answer
    let hall = Hall::open().await;
    let admin = hall.admin().await;
    let (worker, station) = hall.at_work("1001").await;
    let session = worker.session.clone().expect("open");
    let token = admin.token().expect("signed in");
    let mut watching = RawSocket::connect(&hall.address(), None).await;
    watching.handshake("/api/admin/feed", &token).await;
    watching.until("\"last\":true").await.expect("a snapshot");
    let postmaster = hall.andon.place.processes("postgres")[0];
    let frozen = with_children(postmaster);
    frozen.iter().for_each(|pid| send(*pid, Signal::SIGSTOP));

    // then what needs it says so, soon
    for path in ["/api/admin/sessions?state=closed", "/api/admin/sessions?state=recent", "/api/admin/audit"] {
        assert_eq!(admin.get(path).await.refused(503), "HISTORY_UNAVAILABLE", "{path}");
    }
    assert_eq!(admin.get(&format!("/api/admin/sessions/{session}")).await.refused(503), "HISTORY_UNAVAILABLE");
    assert_eq!(admin.get("/api/admin/accounts").await.refused(503), "ACCOUNTS_UNAVAILABLE");

    // and what does not, goes on
    let listed = admin.get(&format!("/api/admin/sessions?state=active&station={station}&limit=1")).await.ok();
    assert_eq!(text(&listed["sessions"][0]["id"]), session);
    assert_eq!(worker.heartbeat().await.ok()["ok"], true);
    let mut newcomer = RawSocket::connect(&hall.address(), None).await;
    newcomer.handshake("/api/admin/feed", &token).await;
    newcomer.until(&session).await.expect("a snapshot with it");
    admin.post(&format!("/api/admin/sessions/{session}/close"), &json!({})).await.ok();
    for viewer in [&mut watching, &mut newcomer] {
        viewer.until(&format!("\"del\":[{{\"id\":\"{session}\"")).await.expect("the end is shown");
    }

    // when it answers again, then so does history
    frozen.iter().for_each(|pid| send(*pid, Signal::SIGCONT));
    until("history is there", async || {
        let closed = admin.get("/api/admin/sessions?state=closed").await;
        closed.status == 200 && closed.body["sessions"][0]["id"] == json!(session)
    })
    .await;
}
