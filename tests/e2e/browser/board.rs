//! The supervisor's board: it shows exactly what the log says, also after the gateway was gone.

use serde_json::json;

use super::floor::Floor;
use super::{Browser, Language, Screen};
use crate::harness::{ADMIN_PASSWORD, Andon, Place, Process, Signal, Worker, until};

/// Another gateway of the same system, in a process of its own.
fn beside(andon: &Andon) -> Place {
    let nats = andon.place.nats_config("gateway");
    let (user, password) = (nats.user.expect("a user"), nats.password.expect("a password"));
    let nats = nats.url.replace("nats://", &format!("nats://{user}:{password}@"));
    Place::new()
        .set("nats_url", &nats)
        .set("unsafe_unchecked_log", "true")
        .set("database_url", &andon.place.postgres_url())
        .set("secret_file", &andon.place.data_dir().join("token.key").display().to_string())
}

async fn started(place: &Place) -> Process {
    let mut gateway = place.spawn(&["gateway"]);
    gateway.ready().await;
    gateway
}

/// Somebody who works at the first of their stations, on a device of their own.
pub async fn at_work(andon: &Andon, code: &str) -> Worker {
    let mut worker = andon.worker(code).await;
    let station = worker.stations().await[0]["id"].as_str().expect("an id").to_owned();
    worker.open(&station, "24-9001").await.ok();
    worker.checklist(&station, "start").await.ok();
    worker
}

/// Signs in on the page.
pub async fn sign_in(board: &Browser) {
    board.go("/admin").await;
    board.fill(&board.t("admin.sign_in.account").await, "admin").await;
    board.fill(&board.t("admin.sign_in.password").await, ADMIN_PASSWORD).await;
    board.press(&board.t("admin.sign_in.do").await).await;
    board.sees_css("[data-testid=count-active]").await;
}

/// The sessions on the board, each with its status and its good pieces, ordered.
async fn shown(board: &Browser) -> Vec<(String, String, u64)> {
    let script = "return [...document.querySelectorAll('[data-testid=tile] [data-session]')].map((tile) =>\
                  [tile.dataset.session, tile.dataset.status, Number(tile.querySelector('.good').textContent)])";
    let tiles = board.script(script, vec![]).await.unwrap_or_default();
    let mut tiles: Vec<(String, String, u64)> = serde_json::from_value(tiles).unwrap_or_default();
    tiles.sort();
    tiles
}

async fn shows_the_log(board: &Browser, floor: &Floor, sessions: usize) {
    until("the board shows what the log says", async || {
        let truth = floor.active().await;
        truth.len() == sessions && shown(board).await == truth
    })
    .await;
}

#[tokio::test]
async fn a_board_comes_back_from_a_gateway_that_was_killed_without_a_reload() {
    // given a board on a gateway of its own, and three people at work
    let floor = Floor::open().await;
    let mut crew = Vec::new();
    for code in ["1001", "1002", "1003"] {
        crew.push(at_work(&floor.andon, code).await);
    }
    let place = beside(&floor.andon);
    let mut gateway = started(&place).await;
    let board = Browser::at(&place.http_url(), Screen::Desktop, Language::He).await;
    sign_in(&board).await;
    shows_the_log(&board, &floor, 3).await;
    crew[0].status("production").await.ok();
    crew[0].quantities(7, 0).await.ok();
    shows_the_log(&board, &floor, 3).await;
    board.assert_accessible("the board").await;
    board.script("window.sameDocument = true", vec![]).await.expect("set");

    // when the gateway is killed, and everything changes while it is gone
    gateway.signal(Signal::SIGKILL);
    gateway.ended().await;
    board.sees_css("[data-testid=connection]:not([data-state=live])").await;
    crew[0].abandon("worker_choice").await.ok();
    crew[1].status("production").await.ok();
    crew[1].quantities(40, 2).await.ok();
    crew[2].quantities(9, 0).await.ok();
    at_work(&floor.andon, "1004").await;
    at_work(&floor.andon, "1005").await;
    drop(gateway);
    let _gateway = started(&place).await;

    // then the board shows it all, and is the page that it was
    shows_the_log(&board, &floor, 4).await;
    board.sees_css("[data-testid=connection][data-state=live]").await;
    crew[2].status("setup").await.ok();
    shows_the_log(&board, &floor, 4).await;
    assert_eq!(board.script("return window.sameDocument", vec![]).await.expect("an answer"), json!(true));
    board.close().await;
}
