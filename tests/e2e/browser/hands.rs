//! A worker's hands at the worker's pages: a step a method, each ending where the next begins.

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use serde_json::json;

use super::{Browser, Language, Screen};
use crate::harness::until;

/// Enter, as WebDriver names it.
const ENTER: char = '\u{e007}';

/// The hands, and the device that they hold.
pub struct Hands {
    pub device: Browser,
    screen: Screen,
}

impl Hands {
    /// At a device that has never been here.
    pub async fn at(base: &str, screen: Screen, language: Language) -> Self {
        Self { device: Browser::at(base, screen, language).await, screen }
    }

    /// Signs in: on the keypad of a phone, by a keyboard or a badge reader on a desktop.
    pub async fn sign_in(&self, code: &str) {
        self.device.go("/").await;
        self.device.is_at("/login").await;
        self.device.find("textbox", &self.device.t("worker.login.code").await).await;
        if self.screen == Screen::Phone {
            for key in code.chars() {
                self.device.press(&key.to_string()).await;
            }
            self.device.press(&self.device.t("worker.login.enter").await).await;
        } else {
            self.types(&format!("{code}{ENTER}")).await;
        }
        self.device.sees_no(&self.device.t("worker.login.hint").await).await;
    }

    /// Types on a keyboard, wherever the focus is.
    async fn types(&self, text: &str) {
        let keys = text.chars().fold(KeyActions::new("keyboard".to_owned()), |keys, value| {
            keys.then(KeyAction::Down { value }).then(KeyAction::Up { value })
        });
        self.device.client().perform_actions(keys).await.expect("typed");
    }

    /// Chooses a station by its code and names a job; before the start list.
    pub async fn open(&self, station: &str, job: &str) {
        self.device.is_at("/stations").await;
        self.choose(station).await;
        self.name_job(job).await;
    }

    /// Chooses a station.
    pub async fn choose(&self, station: &str) {
        self.device.press_css(&format!("[data-testid=station][data-station='{station}']")).await;
        self.device.is_at("/job/").await;
    }

    /// Names a job.
    pub async fn name_job(&self, job: &str) {
        self.device.fill(&self.device.t("worker.job.number").await, job).await;
        self.device.press(&self.device.t("worker.job.open").await).await;
        self.device.is_at("/start").await;
    }

    /// Ticks every item of a list.
    pub async fn tick_all(&self) {
        until("every item is ticked", async || {
            let items = self.device.now("checkbox", None, false).await;
            let mut left = items.len();
            for item in &items {
                if item.is_selected().await.unwrap_or_default() || item.click().await.is_ok() {
                    left -= 1;
                }
            }
            !items.is_empty() && left == 0 && self.ticked().await == items.len()
        })
        .await;
    }

    /// How many items are ticked.
    pub async fn ticked(&self) -> usize {
        let mut ticked = 0;
        for item in self.device.now("checkbox", None, false).await {
            ticked += usize::from(item.is_selected().await.unwrap_or_default());
        }
        ticked
    }

    /// Answers the start list and begins.
    pub async fn begin(&self) {
        self.tick_all().await;
        self.device.press(&self.device.t("worker.start.begin").await).await;
        self.device.is_at("/work").await;
        self.device.sees_css("[data-testid=now]").await;
    }

    /// From the door to work.
    pub async fn go_to_work(&self, code: &str, station: &str, job: &str) {
        self.sign_in(code).await;
        self.open(station, job).await;
        self.begin().await;
    }

    /// Presses a status; whether it is confirmed is not waited for.
    pub async fn press_status(&self, status: &str) {
        self.device.press_css(&format!("button[data-status='{status}']")).await;
    }

    /// Waits until this status runs, and the server has said so.
    pub async fn has_status(&self, status: &str) {
        self.device.sees_css(&format!("[data-testid=now][data-status='{status}'][data-waiting=no]")).await;
    }

    /// One more piece (`good`, `scrap`).
    pub async fn one_more(&self, kind: &str) {
        let kind = self.device.t(&format!("worker.{kind}")).await;
        self.device.press(&self.device.t_with("worker.count.more", json!({"kind": kind})).await).await;
    }

    /// Adds many on the keypad.
    pub async fn add(&self, kind: &str, amount: u32) {
        self.device.press_css(&format!("[data-testid=total-{kind}]")).await;
        for digit in amount.to_string().chars() {
            self.device.press(&digit.to_string()).await;
        }
        self.device.press(&self.device.t_with("worker.count.add", json!({"n": amount})).await).await;
    }

    /// Waits until a total is shown and nothing of it waits.
    pub async fn has_total(&self, kind: &str, total: u64) {
        self.device.sees_css(&format!("[data-testid=total-{kind}][data-total='{total}'][data-waiting='0']")).await;
    }

    /// Goes to the end, answers its list and finishes; returns the session that is summed up.
    pub async fn finish(&self) -> String {
        self.device.press(&self.device.t("worker.work.finish").await).await;
        self.device.is_at("/end").await;
        self.tick_all().await;
        self.complete().await
    }

    /// Finishes, where the list is answered.
    pub async fn complete(&self) -> String {
        self.device.press(&self.device.t("worker.end.finish").await).await;
        self.device.is_at("/summary/").await;
        let path = self.device.path().await;
        path.rsplit_once('/').expect("a path").1.to_owned()
    }

    /// Loads the page again: the person stays where they are.
    pub async fn reload(&self) {
        let path = self.device.path().await;
        self.device.reload().await;
        until("there is a heading", async || !self.device.now("h1", None, false).await.is_empty()).await;
        self.device.is_at(&path).await;
    }
}
