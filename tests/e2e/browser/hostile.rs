//! Names, labels and notes that are markup: pages show them as the text that they are.

use super::floor::Floor;
use super::hands::Hands;
use super::{Browser, Language, Screen};
use crate::harness::until;

/// Each would leave a trace if it ran.
const NAME: &str = r#"<img src=x onerror="window.hostile=1">"#;
const STATION: &str = "<script>window.hostile=2</script>";
const ITEM: &str = r#"</label><svg onload="window.hostile=3">"#;
const REASON: &str = "${window.hostile=4} {n} {{x}}";
const STATUS: &str = r#"<iframe srcdoc="<script>parent.hostile=5</script>">"#;
const NOTE: &str = r#"<a href="javascript:window.hostile=6">note</a>"#;

fn factory() -> String {
    let text = |text: &str| toml::Value::from(text).to_string();
    let labels = |label: &str| ["he", "ru", "en"].map(|language| format!("{language} = {}\n", text(label))).concat();
    format!(
        "[[station]]\ncode = \"H-1\"\nname = {}\ntype = \"other\"\n[[station.start]]\nid = \"a\"\n{}\
         [[status]]\ncode = \"odd\"\n{}color = \"#0ea5e9\"\nclass = \"stoppage\"\nrequires_reason = true\n\
         [[reason]]\ntype = \"stop\"\n{}\
         [[worker]]\ncode = \"7001\"\nname = {}\nstations = [\"H-1\"]\n",
        text(STATION),
        labels(ITEM),
        labels(STATUS),
        labels(REASON),
        text(NAME)
    )
}

/// Nothing of it has become anything but text.
async fn is_harmless(browser: &Browser) {
    let trace = browser.script("return [window.hostile ?? null, document.querySelectorAll('img[src=x], svg[onload], iframe, a[href^=javascript], body script').length]", vec![]);
    assert_eq!(trace.await.expect("an answer"), serde_json::json!([null, 0]), "{}", browser.path().await);
}

/// Fault 34: text that is code in a page.
#[tokio::test]
async fn hostile_text_is_shown_as_text() {
    // given a factory full of it
    let floor = Floor::with(&factory(), "7001").await;
    let hands = Hands::at(&floor.url(), Screen::Phone, Language::En).await;

    // when somebody works there
    hands.sign_in("7001").await;
    for text in [NAME, STATION] {
        hands.device.sees(text).await;
    }
    is_harmless(&hands.device).await;
    hands.open("H-1", "<b>1</b>").await;
    hands.device.sees(ITEM).await;
    is_harmless(&hands.device).await;
    hands.begin().await;
    hands.press_status("odd").await;
    hands.device.fill(&hands.device.t("worker.note").await, NOTE).await;
    hands.device.sees(REASON).await;
    hands.device.press_css("dialog .reason").await;
    hands.has_status("odd").await;

    // then every page shows it as it was typed
    for text in [NAME, STATUS, NOTE, "<b>1</b>"] {
        hands.device.sees(text).await;
    }
    is_harmless(&hands.device).await;
    hands.device.close().await;
    let [(session, ..)] = &floor.active().await[..] else { panic!("one session") };
    let board = Browser::at(&floor.url(), Screen::Desktop, Language::En).await;
    super::board::sign_in(&board).await;
    for (path, texts) in [
        ("/admin", &[NAME, STATION, STATUS, "<b>1</b>"][..]),
        ("/admin/history", &[NAME, STATION][..]),
        (&format!("/admin/sessions/{session}"), &[NAME, STATION, STATUS, NOTE, REASON][..]),
        ("/admin/directory/workers", &[NAME][..]),
        ("/admin/directory/stations", &[STATION][..]),
        ("/admin/directory/statuses", &[STATUS][..]),
        ("/admin/directory/reasons", &[REASON][..]),
    ] {
        board.go(path).await;
        for text in texts {
            until(&format!("{path} shows {text}"), async || board.text().await.contains(text)).await;
        }
        is_harmless(&board).await;
    }
    board.close().await;
}
