//! What people do at the pages beside a plain shift: two who edit the same record, a supervisor who closes sessions and
//! looks for them in history, somebody who changes the language, and somebody who comes back at another device.

use serde_json::{Value, json};

use super::board::{at_work, sign_in};
use super::floor::Floor;
use super::{Browser, Language, Screen};
use crate::harness::{until, until_some};

/// A supervisor who has signed in.
async fn supervisor(floor: &Floor) -> Browser {
    let board = Browser::at(&floor.url(), Screen::Desktop, Language::En).await;
    sign_in(&board).await;
    board
}

/// A record of the directory with its sequence, by one of its fields, as the API tells it.
async fn record(floor: &Floor, kind: &str, field: &str, value: &str) -> Value {
    until_some(&format!("there is the {kind} {value}"), async || {
        let list = floor.admin.get(&format!("/api/admin/directory/{kind}")).await.ok();
        list["records"].as_array()?.iter().find(|one| one["record"][field] == value).cloned()
    })
    .await
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// What the open dialog says.
async fn asked(page: &Browser) -> String {
    const SCRIPT: &str = "return document.querySelector('dialog:modal')?.innerText.replace(/[\\u2066-\\u2069]/g, '')";
    until_some("a dialog asks", async || {
        let said = page.script(SCRIPT, vec![]).await.ok()?;
        said.as_str().map(str::to_owned)
    })
    .await
}

async fn is_not_asked(page: &Browser) {
    until("no dialog is open", async || page.now("dialog:modal", None, false).await.is_empty()).await;
}

/// Whether the button can be pressed.
async fn is_ready(page: &Browser, button: &str) -> bool {
    page.find("button", button).await.is_enabled().await.expect("an answer")
}

/// A session that has ended, once history knows of it: its cause, and how often and by whom it was closed.
async fn closing(floor: &Floor, session: &str) -> (String, Vec<String>) {
    until_some("history knows the end", async || {
        let story = floor.story(session).await;
        let events = story["events"].as_array().expect("a list");
        let closed = events.iter().filter(|event| event["kind"] == "closed");
        let closed: Vec<_> = closed.map(|event| text(&event["actor"]).to_owned()).collect();
        let cause = story["session"]["closed_cause"].as_str()?.to_owned();
        (!closed.is_empty()).then_some((cause, closed))
    })
    .await
}

#[tokio::test]
async fn what_two_supervisors_typed_at_once_is_told_and_chosen_from() {
    // given two who have opened the same job
    let floor = Floor::open().await;
    let job = record(&floor, "job", "job_number", "24-1002").await;
    let page = format!("/admin/directory/jobs/{}", text(&job["record"]["id"]));
    let (first, second) = (supervisor(&floor).await, supervisor(&floor).await);
    let customer = first.t("admin.field.customer_name").await;
    for one in [&first, &second] {
        one.go(&page).await;
        one.find("textbox", &customer).await;
    }

    // when both type, and the first saves
    first.fill(&customer, "Galil Farms").await;
    first.fill(&first.t("admin.field.planned_quantity").await, "99000").await;
    second.fill(&customer, "Golan Farms").await;
    second.fill(&second.t("admin.field.description").await, "Lids, five colours").await;
    first.press(&first.t("admin.save").await).await;
    first.sees(&first.t("admin.saved").await).await;
    first.close().await;
    second.press(&second.t("admin.save").await).await;

    // then the second is told, sees both versions, and has to choose where both have changed something
    let said = asked(&second).await;
    for part in ["Galil Farms", "Golan Farms", "Lids, five colours", "99,000"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains(&second.t("admin.conflict.title").await), "{said}");
    second.assert_accessible("a conflict").await;
    let save = second.t("admin.conflict.save").await;
    assert!(!is_ready(&second, &save).await, "nothing was chosen yet");
    let unchanged = record(&floor, "job", "job_number", "24-1002").await;
    assert_eq!(unchanged["record"]["customer_name"], "Galil Farms", "nothing was overwritten");
    second.press_css("label.version:first-of-type [name=choice-customer_name]").await;
    second.press(&save).await;
    second.sees(&second.t("admin.saved").await).await;
    is_not_asked(&second).await;

    // and what was chosen is stored with what each has changed alone
    second.close().await;
    let stored = record(&floor, "job", "job_number", "24-1002").await;
    let kept = |name: &str| stored["record"][name].clone();
    assert_eq!(
        (kept("customer_name"), kept("description"), kept("planned_quantity")),
        (json!("Golan Farms"), json!("Lids, five colours"), json!(99_000))
    );
    assert!(stored["sequence"].as_u64() > unchanged["sequence"].as_u64(), "{stored}");
}

#[tokio::test]
async fn a_supervisor_closes_one_session_and_then_all_others() {
    // given three people at work
    let floor = Floor::open().await;
    let mut sessions = Vec::new();
    for code in ["1001", "1002", "1003"] {
        let id = at_work(&floor.andon, code).await.session.expect("open");
        sessions.push(floor.story(&id).await["session"].clone());
    }
    let names = |session: &Value| {
        let worker = text(&session["worker"]["full_name"]).to_owned();
        [worker, text(&session["station"]["name"]).to_owned(), text(&session["job"]["job_number"]).to_owned()]
    };
    let [one, others @ ..] = &sessions[..] else { panic!("three sessions") };
    let board = supervisor(&floor).await;

    // when one is closed from its page, then the question names it, and it alone is closed
    board.press_css(&format!("[data-session='{}'] a", text(&one["id"]))).await;
    board.is_at(&format!("/admin/sessions/{}", text(&one["id"]))).await;
    board.press(&board.t("admin.close.open").await).await;
    let said = asked(&board).await;
    assert!(names(one).iter().all(|name| said.contains(name)), "{said}");
    board.press(&board.t("admin.close.yes").await).await;
    is_not_asked(&board).await;
    board.sees(&board.t("admin.cause.admin").await).await;
    assert_eq!(floor.active().await.len(), others.len());

    // when all are closed from the board, then the question names all that are open, and leaving it closes nothing
    board.go("/admin").await;
    board.sees_css(&format!("[data-session='{}']", text(&others[0]["id"]))).await;
    let open = board.t("admin.close_all.open").await;
    board.press(&open).await;
    let said = asked(&board).await;
    assert!(others.iter().flat_map(names).all(|name| said.contains(&name)), "{said}");
    assert!(!said.contains(&names(one)[0]), "{said}");
    board.press(&board.t("admin.cancel").await).await;
    is_not_asked(&board).await;
    assert_eq!(floor.active().await.len(), others.len());
    board.press(&open).await;
    board.press(&board.t_with("admin.close_all.yes", json!({"n": others.len()})).await).await;
    board.sees(&board.t_with("admin.close_all.closed", json!({"n": others.len()})).await).await;
    board.press(&board.t("admin.done").await).await;
    until("the board is empty", async || board.now("[data-session]", None, false).await.is_empty()).await;
    board.close().await;

    // then none is open, and each was closed once, by the supervisor
    assert!(floor.active().await.is_empty());
    for session in &sessions {
        let (cause, by) = closing(&floor, text(&session["id"])).await;
        assert_eq!((cause.as_str(), by.len()), ("admin", 1), "{by:?}");
        assert!(by[0].starts_with("admin:"), "{by:?}");
    }
}
