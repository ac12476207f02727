//! A device with a person at it: a phone or a desktop, in a language, who sees and presses what people see and press.
//!
//! ```ignore
//! let tablet = Browser::at(&url, Screen::Phone, Language::He).await;
//! tablet.go("/login").await;
//! tablet.press(&tablet.t("worker.sign_in").await).await;
//! tablet.sees("1001").await;
//! tablet.close().await;                              // fails if the browser complained about anything
//! ```

use std::fmt;
use std::time::Duration;

use fantoccini::Client;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::console::Console;
use super::driver::Driver;
use crate::harness::{until, until_some};

/// How an element is called by WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// A page may wait for the gateway, which may wait for a loaded machine.
const SCRIPT_WITHIN: Duration = Duration::from_secs(50);
/// See there.
const FIND: &str = include_str!("find.js");
/// Where a page may be opened that is none, so that something can be kept for its address.
const NO_PAGE: &str = "/assets/vendor/licences/preact.txt";

/// Sizes that pages are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// 390×844, touched.
    Phone,
    /// 1440×900, with a mouse.
    Desktop,
}

/// Languages of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Right to left, and what a new device speaks.
    He,
    /// Русский.
    Ru,
    /// English.
    En,
}

impl Language {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::He, Self::Ru, Self::En];

    /// As pages call it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::He => "he",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }
}

impl Screen {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Phone, Self::Desktop];

    const fn size(self) -> (u32, u32) {
        match self {
            Self::Phone => (390, 844),
            Self::Desktop => (1_440, 900),
        }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Phone { "phone" } else { "desktop" })
    }
}

/// A browser on a device.
pub struct Browser {
    driver: Driver,
    base: String,
    screen: Screen,
    console: Mutex<Console>,
    closed: bool,
}

impl Browser {
    /// A new device that has never been here, whose person speaks `language`, in front of the gateway at `base`.
    pub async fn at(base: &str, screen: Screen, language: Language) -> Self {
        let browser = Self::with(base, screen, &[]).await;
        browser.keeps("andon.lang", language.code()).await;
        browser
    }

    /// The same, which speaks what a new device speaks, with further flags for Chromium.
    pub async fn with(base: &str, screen: Screen, flags: &[String]) -> Self {
        let (width, height) = screen.size();
        let mut options = Map::new();
        if screen == Screen::Phone {
            let metrics = json!({"width": width, "height": height, "pixelRatio": 2, "touch": true});
            options.insert("mobileEmulation".to_owned(), json!({"deviceMetrics": metrics}));
        }
        let driver = Driver::start(flags, options).await;
        let mut timeouts = driver.client().get_timeouts().await.expect("timeouts");
        timeouts.set_script(Some(SCRIPT_WITHIN));
        driver.client().update_timeouts(timeouts).await.expect("set");
        let console = Mutex::new(Console::default());
        let browser = Self { driver, base: base.to_owned(), screen, console, closed: false };
        browser.resize().await;
        browser
    }

    async fn resize(&self) {
        if self.screen == Screen::Desktop {
            let (width, height) = self.screen.size();
            let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
            self.driver.chromium("Emulation.setDeviceMetricsOverride", metrics).await;
        }
    }

    /// What speaks WebDriver to it, for what is not here.
    pub fn client(&self) -> &Client {
        self.driver.client()
    }

    /// Its chromedriver.
    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Goes to an address.
    pub async fn go(&self, path: &str) {
        self.client().goto(&format!("{}{path}", self.base)).await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.client().refresh().await.expect("it loads again");
    }

    /// The path that the address bar shows, and the query.
    pub async fn path(&self) -> String {
        let url = self.client().current_url().await.expect("an address");
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits until the address bar shows a path that begins so.
    pub async fn is_at(&self, path: &str) {
        until(&format!("the page is at {path}"), async || self.path().await.starts_with(path)).await;
    }

    /// Keeps something for the pages of this address, as if they had.
    pub async fn keeps(&self, name: &str, value: &str) {
        self.go(NO_PAGE).await;
        self.script("localStorage.setItem(arguments[0], arguments[1])", vec![json!(name), json!(value)])
            .await
            .expect("kept");
    }

    /// Runs a script in the page.
    pub async fn script(&self, script: &str, arguments: Vec<Value>) -> Result<Value, CmdError> {
        self.client().execute(script, arguments).await
    }

    /// Runs the body of an async function in the page and waits for what it returns.
    pub async fn async_script(&self, body: &str, arguments: Vec<Value>) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];\n\
             (async (...arguments) => {{ {body} }})(...[...arguments].slice(0, -1))\n\
             .then((is) => done({{ is }}), (error) => done({{ error: String(error?.stack ?? error) }}));"
        );
        let answer = self.client().execute_async(&script, arguments).await.expect("the script ends");
        assert!(answer["error"].is_null(), "the script failed: {}", answer["error"]);
        answer["is"].clone()
    }

    /// A text of the pages, in the device's language.
    pub async fn t(&self, key: &str) -> String {
        self.t_with(key, json!({})).await
    }

    /// The same with values put in. Waits for the words of a page that is being loaded.
    pub async fn t_with(&self, key: &str, values: Value) -> String {
        const SCRIPT: &str =
            "const { t } = await import('/assets/shared/i18n.js'); return t(arguments[0], arguments[1]);";
        until_some(&format!("there is the text {key}"), async || {
            let text = self.async_script(SCRIPT, vec![json!(key), values.clone()]).await;
            // What is put in is isolated from what stands around it by marks that nobody sees.
            let text = text.as_str()?.replace(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'], "");
            (text != key).then_some(text)
        })
        .await
    }

    /// What is seen with this role and name now, without waiting. See `find.js` for the roles.
    pub async fn now(&self, role: &str, name: Option<&str>, part: bool) -> Vec<Element> {
        let found = self.script(FIND, vec![json!(role), json!(name), json!(part)]).await;
        let Ok(Value::Array(found)) = found else { return Vec::new() };
        let ids = found.iter().filter_map(|element| element[ELEMENT].as_str());
        ids.map(|id| Element::from_element_id(self.client().clone(), id.to_owned().into())).collect()
    }

    /// Waits until something with this role and name is seen; the first of them.
    pub async fn find(&self, role: &str, name: &str) -> Element {
        until_some(&format!("the {role} {name:?} is seen"), async || {
            self.now(role, Some(name), false).await.into_iter().next()
        })
        .await
    }

    /// Waits until it can be pressed, and presses it.
    pub async fn press(&self, name: &str) {
        self.press_the("button", name).await;
    }

    /// The same for something of another role.
    pub async fn press_the(&self, role: &str, name: &str) {
        until(&format!("the {role} {name:?} is pressed"), async || {
            let Some(element) = self.now(role, Some(name), false).await.into_iter().next() else { return false };
            element.is_enabled().await.unwrap_or_default() && element.click().await.is_ok()
        })
        .await;
    }

    /// Presses what a selector finds, where neither role nor name says which: data of the factory, say.
    pub async fn press_css(&self, selector: &str) {
        until(&format!("{selector} is pressed"), async || {
            let Some(element) = self.now(selector, None, false).await.into_iter().next() else { return false };
            element.is_enabled().await.unwrap_or_default() && element.click().await.is_ok()
        })
        .await;
    }

    /// Waits until something is seen that this selector finds.
    pub async fn sees_css(&self, selector: &str) {
        until(&format!("{selector} is seen"), async || !self.now(selector, None, false).await.is_empty()).await;
    }

    /// Empties a field and types into it.
    pub async fn fill(&self, name: &str, text: &str) {
        let field = self.find("textbox", name).await;
        field.clear().await.expect("it can be emptied");
        field.send_keys(text).await.expect("it can be typed into");
    }

    /// Waits until this text is seen somewhere on the page, whatever stands around it.
    pub async fn sees(&self, text: &str) {
        until(&format!("{text:?} is seen"), async || self.text().await.contains(text)).await;
    }

    /// Waits until this text is seen nowhere on the page.
    pub async fn sees_no(&self, text: &str) {
        until(&format!("{text:?} is gone"), async || !self.text().await.contains(text)).await;
    }

    /// All text that is seen, without the marks that only direct it.
    pub async fn text(&self) -> String {
        const SCRIPT: &str = "return document.body.innerText.replace(/[\\u2066-\\u2069\\u200e\\u200f]/g, '')";
        let text = self.script(SCRIPT, Vec::new()).await;
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Takes the network away from the page, as a tablet between two rooms; or gives it back.
    pub async fn network(&self, there: bool) {
        let conditions = json!({"offline": !there, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.driver.chromium("Network.enable", json!({})).await;
        self.driver.chromium("Network.emulateNetworkConditions", conditions).await;
    }

    /// Opens another tab and goes on there.
    pub async fn new_tab(&self) -> fantoccini::wd::WindowHandle {
        let tab = self.client().new_window(true).await.expect("a tab").handle;
        self.listens().await;
        self.client().switch_to_window(tab.clone()).await.expect("it is there");
        self.resize().await;
        tab
    }

    /// Goes on in this tab.
    pub async fn switch_to(&self, tab: &fantoccini::wd::WindowHandle) {
        self.listens().await;
        self.client().switch_to_window(tab.clone()).await.expect("it is there");
    }

    /// Takes what the browser has complained about since the last time.
    pub async fn listens(&self) {
        let entries = self.driver.logged("browser").await;
        self.console.lock().await.take(&entries);
    }

    /// Fails if the browser has complained about anything.
    pub async fn assert_no_complaints(&self) {
        self.listens().await;
        self.console.lock().await.assert_clean();
    }

    /// Fails if the browser has complained about anything, and ends it. A test that forgets this fails.
    pub async fn close(mut self) {
        self.assert_no_complaints().await;
        self.closed = true;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
            self.driver.leave_picture(&format!("{test}-{}", self.screen));
        } else {
            assert!(self.closed, "close the browser: only then is it asked what it complained about");
        }
    }
}
