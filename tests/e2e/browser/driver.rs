//! A chromedriver of its own for each browser, on a free port, and everything that it has started gone at the end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::harness::{Process, Signal, at_home_in, send, until_some};

/// Time for a picture of a page that has failed.
const PICTURE_WITHIN: Duration = Duration::from_secs(5);

/// What keeps Chromium from calling home, from asking anything at its first start and from needing a screen.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
];

/// Starts a chromedriver whose files are in `directory`.
fn chromedriver(directory: &Path) -> Process {
    let log = directory.join("chromedriver.log");
    let errors = std::fs::File::create(&log).expect("a log file");
    let child = Command::new("chromedriver")
        .args(["--port=0", "--log-level=WARNING"])
        .current_dir(directory)
        // What Chromium keeps outside of its profile.
        .env("HOME", directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .expect("chromedriver starts: run the tests with ./test, or install Chromium (Debian: apt-get install chromium chromium-driver)");
    Process::new(child, log)
}

/// A chromedriver and the one browser that it drives.
pub struct Driver {
    /// Declared first, so that it ends before its files go.
    process: Process,
    client: Client,
    session: String,
    port: u16,
    directory: TempDir,
}

impl Driver {
    /// Starts both. `options` are added to Chromium's, see `goog:chromeOptions`.
    pub async fn start(flags: &[String], options: Map<String, Value>) -> Self {
        let directory = tempfile::Builder::new().prefix("andon-browser-").tempdir().expect("a temporary directory");
        let mut process = chromedriver(directory.path());
        let port = until_some("chromedriver listens", async || {
            // It binds a free port of IPv4, and then the same of IPv6, which may be somebody's: then it ends.
            if process.has_ended() {
                process = chromedriver(directory.path());
            }
            let line = process.line()?;
            line.strip_prefix("ChromeDriver was started successfully on port ")?.trim_end_matches('.').parse().ok()
        })
        .await;
        let capabilities = capabilities(directory.path(), flags, options);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("Chromium starts");
        let session = client.session_id().await.expect("an answer").expect("a session");
        Self { process, client, session, port, directory }
    }

    /// What speaks WebDriver to it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A command of Chromium's own protocol.
    pub async fn chromium(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        let answer = self.client.issue_cmd(Own { path: "goog/cdp/execute", body }).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// What has been logged since the last call: `browser`, or `performance`.
    pub async fn logged(&self, kind: &str) -> Vec<Value> {
        let answer = self.client.issue_cmd(Own { path: "se/log", body: json!({"type": kind}) }).await;
        answer.expect("a log").as_array().expect("a list").clone()
    }

    /// Leaves a picture and the source of the page where they outlive the test, and says where.
    pub fn leave_picture(&self, name: &str) {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        let _there_already = std::fs::create_dir_all(&place);
        let file = |end: &str| -> PathBuf { place.join(format!("{name}-{}.{end}", self.process.pid())) };
        if let Some(picture) =
            self.asked("screenshot").and_then(|text| base64::prelude::BASE64_STANDARD.decode(text).ok())
        {
            let written = std::fs::write(file("png"), picture);
            eprintln!("--- what it looked like: {} {written:?}", file("png").display());
        }
        if let Some(source) = self.asked("source") {
            let written = std::fs::write(file("html"), source);
            eprintln!("--- what it was: {} {written:?}", file("html").display());
        }
    }

    /// A question without the runtime, which may be gone when a test has failed.
    fn asked(&self, what: &str) -> Option<String> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut stream = TcpStream::connect_timeout(&address, PICTURE_WITHIN).ok()?;
        stream.set_read_timeout(Some(PICTURE_WITHIN)).ok()?;
        let path = format!("/session/{}/{what}", self.session);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").ok()?;
        // chromedriver leaves the connection open, whatever it is asked.
        let (mut answer, mut length) = (BufReader::new(stream), 0);
        for line in answer.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
            if let Some((_, value)) =
                line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            {
                length = value.parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body).ok()?;
        serde_json::from_slice::<Value>(&body).ok()?["value"].as_str().map(str::to_owned)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // chromedriver first, lest it starts anything anew; then the browser, which is at home in the directory.
        self.process.signal(Signal::SIGKILL);
        for pid in at_home_in(self.directory.path()) {
            send(pid, Signal::SIGKILL);
        }
    }
}

fn capabilities(directory: &Path, flags: &[String], options: Map<String, Value>) -> Map<String, Value> {
    let profile = format!("--user-data-dir={}", directory.join("profile").display());
    let flags = FLAGS.iter().map(|flag| (*flag).to_owned()).chain([profile]).chain(flags.iter().cloned());
    let mut chromium = json!({"args": flags.collect::<Vec<_>>()});
    chromium.as_object_mut().expect("an object").extend(options);
    let wanted = json!({
        "browserName": "chrome",
        "goog:chromeOptions": chromium,
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        // A page that asks whether to leave is asked nothing by a test.
        "unhandledPromptBehavior": "accept",
    });
    wanted.as_object().expect("an object").clone()
}

/// A command that chromedriver has beside those of the standard.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
