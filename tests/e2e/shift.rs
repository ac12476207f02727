//! A worker's shift from signing in to completing, over HTTP, down to the rows in Postgres.

use serde_json::{Value, json};

use crate::harness::{ADMIN_PASSWORD, Andon, Client, until};

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[tokio::test]
async fn a_shift_goes_from_login_to_rows_in_postgres() {
    // given a worker of the demo factory at a station with checklists
    let andon = Andon::demo().await;
    let mut worker = andon.worker("1012").await;
    let stations = worker.stations().await;
    let with_lists = |station: &&Value| {
        let items = |kind: &str| station[kind].as_array().is_some_and(|items| !items.is_empty());
        items("start_checklist") && items("end_checklist")
    };
    let station = text(&stations.iter().find(with_lists).expect("a station with checklists")["id"]).to_owned();

    // when the worker does a whole shift
    let opened = worker.open(&station, "E2E-1").await.ok();
    assert_eq!(text(&opened["session"]["status"]), "active");
    assert_eq!(worker.status("production").await.refused(409), "START_CHECKLIST_REQUIRED");
    worker.checklist(&station, "start").await.ok();
    let event = worker.status("production").await.ok();
    assert_eq!(text(&event["event"]["status"]), "production");
    assert_eq!(worker.heartbeat().await.ok()["ok"], true);
    let counted = worker.quantities(120, 3).await.ok();
    assert_eq!((&counted["session"]["total_good"], &counted["session"]["total_scrap"]), (&json!(120), &json!(3)));
    assert_eq!(worker.complete().await.refused(409), "END_CHECKLIST_REQUIRED");
    worker.checklist(&station, "end").await.ok();
    let completed = worker.complete().await.ok();

    // then the session is completed, for the worker and in Postgres
    assert_eq!(text(&completed["session"]["status"]), "completed");
    assert_eq!(worker.active().await["session"], Value::Null);
    assert_eq!(worker.status("setup").await.refused(409), "SESSION_CLOSED");
    let session = worker.session.clone().expect("a session was opened");
    let row = format!("select status, closed_cause, total_good, total_scrap from sessions where id = '{session}'");
    until("the row is there", async || andon.place.sql(&row) == Some(vec!["completed|completed|120|3".to_owned()]))
        .await;

    // and its intervals follow each other without a hole from start to end
    let holes = format!(
        "select count(*) from (select started_at, lag(ended_at) over (order by started_at, ended_at) as before \
         from status_events where session_id = '{session}') as intervals where before is not null and before <> started_at"
    );
    assert_eq!(andon.place.sql(&holes), Some(vec!["0".to_owned()]));
    let sum = format!(
        "select (select sum(ended_at - started_at) from status_events where session_id = '{session}') = \
         (select ended_at - started_at from sessions where id = '{session}')"
    );
    assert_eq!(andon.place.sql(&sum), Some(vec!["t".to_owned()]));
}

#[tokio::test]
async fn an_admin_sees_a_session_and_closes_it() {
    // given a worker at work and an admin
    let andon = Andon::demo().await;
    let mut worker = andon.worker("1011").await;
    let station = text(&worker.stations().await[0]["id"]).to_owned();
    worker.open(&station, "E2E-2").await.ok();
    let session = worker.session.clone().expect("a session was opened");
    let admin = admin(&andon).await;

    // when the admin looks, and closes it
    let listed = admin.get("/api/admin/sessions?state=active").await.ok();
    let listed: Vec<_> = listed["sessions"].as_array().expect("a list").iter().map(|row| text(&row["id"])).collect();
    let closed = admin.post(&format!("/api/admin/sessions/{session}/close"), &json!({})).await.ok();

    // then it was listed, beside those of the simulated workers, and the worker is told
    assert!(listed.contains(&session.as_str()), "{session} is not among {listed:?}");
    assert_eq!(closed["closed"], 1);
    worker.until_told_closed().await;
}

#[tokio::test]
async fn an_abandoned_session_is_aborted_and_says_by_whom() {
    // given a worker at work
    let andon = Andon::demo().await;
    let mut worker = andon.worker("1011").await;
    let station = text(&worker.stations().await[0]["id"]).to_owned();
    worker.open(&station, "E2E-4").await.ok();

    // when the worker declines to go on
    worker.abandon("worker_choice").await.ok();

    // then
    let session = worker.session.clone().expect("a session was opened");
    let row = format!("select status, closed_cause from sessions where id = '{session}'");
    until("the row is there", async || andon.place.sql(&row) == Some(vec!["aborted|abandoned".to_owned()])).await;
    let note =
        format!("select note from status_events where session_id = '{session}' order by started_at desc limit 1");
    assert_eq!(andon.place.sql(&note), Some(vec!["worker-abandon".to_owned()]));
}

#[tokio::test]
async fn a_shift_is_summed_listed_and_exported() {
    // given a worker at work who has reported pieces, and an account
    let andon = Andon::up().await;
    let admin = admin(&andon).await;
    let factory = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/gateway/demo/factory.toml"));
    let import = admin.request(reqwest::Method::POST, "/api/admin/directory/import");
    let import = import.header("Content-Type", "application/toml").body(factory.expect("the demo factory"));
    admin.send(import).await.expect("an answer").ok();
    let mut worker = andon.worker("1011").await;
    let station = text(&worker.stations().await[0]["id"]).to_owned();
    worker.open(&station, "=1+1").await.ok();
    worker.checklist(&station, "start").await.ok();
    worker.quantities(40, 2).await.ok();
    assert_eq!(worker.active().await["previous"], Value::Null);
    let summary = async |from: &str| admin.get(&format!("/api/admin/summary?from={from}")).await.ok();
    let made = summary("2020-01-01T00:00:00Z").await;
    assert_eq!((&made["good"], &made["carried_good"], &made["sessions_closed"]), (&json!(0), &json!(0), &json!(0)));

    // when it is closed by an admin
    let session = worker.session.clone().expect("a session was opened");
    admin.post(&format!("/api/admin/sessions/{session}/close"), &json!({})).await.ok();

    // then the worker is told how the last session ended
    let previous = &worker.active().await["previous"];
    assert_eq!((text(&previous["session"]["id"]), text(&previous["session"]["closed_cause"])), (&*session, "admin"));
    assert_eq!(text(&previous["job"]["job_number"]), "=1+1");
    // and its pieces are summed at once, once
    let made = summary("2020-01-01T00:00:00Z").await;
    assert_eq!((&made["good"], &made["scrap"], &made["sessions_closed"]), (&json!(40), &json!(2), &json!(1)));
    assert_eq!(summary("2100-01-01T00:00:00Z").await["good"], 0);
    assert_eq!(admin.get("/api/admin/summary").await.refused(400), "INVALID_PAYLOAD");
    // and the session says who did what
    let one = admin.get(&format!("/api/admin/sessions/{session}")).await.ok();
    let events = one["events"].as_array().expect("events");
    let last = events.last().expect("some");
    assert_eq!((text(&last["kind"]), text(&last["actor"])), ("closed", "admin:admin"));
    assert_eq!(text(&events[0]["actor"]), format!("worker:{}", worker.id));
    // and the file for a spreadsheet holds it, whatever the job is called
    let csv = |query: &str| admin.request(reqwest::Method::GET, &format!("/api/admin/sessions.csv{query}")).send();
    let answer = csv("?cause=admin").await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8; header=present");
    let file = answer.text().await.expect("text");
    let lines: Vec<_> = file.split_terminator("\r\n").collect();
    assert!(lines[0].starts_with('\u{feff}') && lines.len() == 2, "{file}");
    assert!(lines[1].starts_with(&*session) && lines[1].contains(",'=1+1,") && lines[1].contains(",admin,"), "{file}");
    assert_eq!(csv("?cause=idle").await.expect("an answer").text().await.expect("text").lines().count(), 1);
    assert_eq!(csv("?cause=boredom").await.expect("an answer").status(), 400);
}

/// The first account, as soon as it can sign in: it lives in Postgres, which nobody waits for.
async fn admin(andon: &Andon) -> Client {
    let body = json!({"account": "admin", "password": ADMIN_PASSWORD});
    let signed_in = crate::harness::until_some("the admin can sign in", async || {
        let answer = andon.client().post("/api/admin/login", &body).await;
        (answer.status == 200).then_some(answer.body)
    })
    .await;
    andon.client().with_token(text(&signed_in["token"]))
}

#[tokio::test]
async fn the_same_key_makes_one_event() {
    // given a worker who has just opened a session without knowing whether it worked
    let andon = Andon::demo().await;
    let worker = andon.worker("1011").await;
    let station = text(&worker.stations().await[0]["id"]).to_owned();
    let body = json!({"workerId": worker.id, "stationId": station, "jobNumber": "E2E-3"});
    let first = worker.client.try_post("/api/jobs", &body, Some("press-1")).await.expect("an answer").ok();

    // when it is sent again with the same key
    let again = worker.client.try_post("/api/jobs", &body, Some("press-1")).await.expect("an answer").ok();

    // then it is the same session, opened once
    assert_eq!(first["session"]["id"], again["session"]["id"]);
    let count = format!("select count(*) from sessions where worker_id = '{}'", worker.id);
    until("the row is there", async || andon.place.sql(&count) == Some(vec!["1".to_owned()])).await;
}
