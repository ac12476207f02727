//! What people do at the pages beside a plain shift: two who edit the same record, a supervisor who closes sessions,
//! looks for them in history and writes lists, and workers who change devices or languages.

mod workers;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::board::{at_work, sign_in};
use super::floor::Floor;
use super::hands::Hands;
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

/// Chooses a filter of history.
async fn choose(page: &Browser, filter: &str, value: &str) {
    let name = format!("{} {}", page.t(filter).await, page.t("admin.filters.all").await);
    until(&format!("{filter} is {value}"), async || {
        let Some(filter) = page.now("combobox", Some(&name), true).await.into_iter().next() else { return false };
        filter.select_by_value(value).await.is_ok()
    })
    .await;
}

/// The query of an address.
fn query(address: &str) -> BTreeMap<String, String> {
    let address = url::Url::parse("http://andon").and_then(|base| base.join(address)).expect("an address");
    address.query_pairs().into_owned().collect()
}

/// Waits until history shows these sessions, in any order; and what its file is asked with, and which it holds.
async fn shows_and_exports(page: &Browser, sessions: &[&str]) -> BTreeMap<String, String> {
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    let wanted = sorted(sessions.iter().map(|id| (*id).to_owned()).collect());
    until(&format!("history shows {wanted:?}"), async || {
        let script = "return [...document.querySelectorAll('tr[data-session]')].map((row) => row.dataset.session)";
        let shown = page.script(script, vec![]).await.unwrap_or_default();
        sorted(serde_json::from_value(shown).unwrap_or_default()) == wanted
    })
    .await;
    let name = page.t("admin.history.csv").await;
    let link = page.find("link", &name).await.attr("href").await.expect("an answer").expect("an address");
    let file = page.async_script("return (await fetch(arguments[0])).text()", vec![json!(link)]).await;
    let rows = text(&file).lines().skip(1).filter_map(|row| row.split(',').next()).map(str::to_owned);
    assert_eq!(sorted(rows.collect()), wanted, "{file}");
    query(&link)
}

#[tokio::test]
async fn history_keeps_its_filters_in_the_address_and_exports_what_it_shows() {
    // given sessions of two people that ended in two ways
    let floor = Floor::open().await;
    let mut ended = Vec::new();
    for (code, cause) in [("1003", "abandoned"), ("1003", "admin"), ("1001", "abandoned")] {
        let worker = at_work(&floor.andon, code).await;
        let id = worker.session.clone().expect("open");
        if cause == "admin" {
            floor.admin.post(&format!("/api/admin/sessions/{id}/close"), &json!({})).await.ok();
        } else {
            worker.abandon("worker_choice").await.ok();
        }
        assert_eq!(closing(&floor, &id).await.0, cause);
        ended.push(id);
    }
    let [abandoned, by_admin, of_another] = &ended[..] else { panic!("three sessions") };
    let session = floor.story(abandoned).await["session"].clone();
    let (worker, station) = (text(&session["worker"]["id"]), text(&session["station"]["id"]));
    let page = supervisor(&floor).await;

    // when it is looked for with more and more filters, then the rows and the file follow, and the address says it
    page.go("/admin/history").await;
    assert!(shows_and_exports(&page, &[abandoned, by_admin, of_another]).await.is_empty());
    choose(&page, "admin.history.worker", worker).await;
    shows_and_exports(&page, &[abandoned, by_admin]).await;
    choose(&page, "admin.history.station", station).await;
    choose(&page, "admin.history.cause", "abandoned").await;
    let asked = shows_and_exports(&page, &[abandoned]).await;
    let wanted = [("cause", "abandoned"), ("station", station), ("worker", worker)];
    assert_eq!(asked, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let address = page.path().await;
    assert_eq!(query(&address), asked);

    // and a reload keeps all of it
    page.reload().await;
    assert_eq!(shows_and_exports(&page, &[abandoned]).await, asked);
    assert_eq!(page.path().await, address);
    page.close().await;
}

/// Writes an item of a list in every language; `at` counts from none.
async fn write_item(page: &Browser, at: usize, words: &str) {
    for language in Language::ALL.map(Language::code) {
        let name = page.t(&format!("admin.field.label_{language}")).await;
        let fields = page.now("textbox", Some(&name), false).await;
        fields[at].send_keys(&format!("{words} {language}")).await.expect("it can be typed into");
    }
}

#[tokio::test]
async fn a_list_that_is_written_in_the_editor_is_asked_at_the_tablet() {
    // given a station that a supervisor makes, with two items, of which the second is moved up
    let floor = Floor::open().await;
    let page = supervisor(&floor).await;
    page.go("/admin/directory/stations/new").await;
    let field = async |name: &str| format!("{} *", page.t(&format!("admin.field.{name}")).await);
    page.fill(&field("name").await, "Lathe").await;
    page.fill(&field("code").await, "LTH-9").await;
    for (at, words) in ["Guard closed", "Oil checked"].into_iter().enumerate() {
        page.press(&page.t("admin.checklist.add").await).await;
        page.sees_css(&format!("[data-item]:nth-child({})", at + 1)).await;
        write_item(&page, at, words).await;
    }
    page.press(&page.t_with("admin.checklist.up", json!({"n": 2})).await).await;
    page.press(&page.t("admin.save").await).await;
    page.is_at("/admin/directory/stations/").await;
    page.sees(&page.t("admin.saved").await).await;

    // and gives to somebody
    let worker = record(&floor, "worker", "worker_code", "1010").await;
    page.go(&format!("/admin/directory/workers/{}", text(&worker["record"]["id"]))).await;
    page.press_the("checkbox", "Lathe LTH-9").await;
    page.press(&page.t("admin.save").await).await;
    page.sees(&page.t("admin.saved").await).await;
    page.close().await;

    // when they open it at a tablet
    let hands = Hands::at(&floor.url(), Screen::Phone, Language::En).await;
    hands.sign_in("1010").await;
    hands.open("LTH-9", "24-6004").await;

    // then both items are asked in their order and their language, and work begins when both are answered
    let begin = hands.device.t("worker.start.begin").await;
    hands.device.press(&begin).await;
    hands.device.sees(&hands.device.t_with("worker.list.left", json!({"n": 2})).await).await;
    let said = hands.device.text().await;
    let at = |words: &str| said.find(words).unwrap_or_else(|| panic!("{words}: {said}"));
    assert!(at("Oil checked en") < at("Guard closed en"), "{said}");
    hands.device.press_css("li.item:first-of-type input[type=checkbox]").await;
    hands.device.sees(&hands.device.t_with("worker.list.left", json!({"n": 1})).await).await;
    hands.device.press(&begin).await;
    hands.device.is_at("/start").await;
    hands.begin().await;
    hands.device.close().await;
    let [(session, ..)] = &floor.active().await[..] else { panic!("one session") };
    assert_eq!(floor.story(session).await["session"]["station"]["code"], "LTH-9");
}
