//! A factory at work, and somebody who may watch it.

use super::*;

/// A running factory with two workers at work and an account that looks.
pub struct Floor {
    pub andon: Andon,
    pub token: String,
    pub admin: Client,
    pub workers: Vec<Worker>,
    pub station: String,
}

impl Floor {
    pub async fn new() -> Self {
        let andon = Andon::up().await;
        std::fs::write(andon.place.directory().join("demo.toml"), gateway::demo_factory()).expect("written");
        let output = andon.place.command(&["admin", "import", "demo.toml"]).output().expect("andon starts");
        assert!(output.status.success(), "{output:?}");
        let login = serde_json::json!({"account": "admin", "password": ADMIN_PASSWORD});
        let token = until_some("an admin signs in", async || {
            andon.client().post("/api/admin/login", &login).await.body["token"].as_str().map(str::to_owned)
        })
        .await;
        let admin = andon.client().with_token(&token);
        let mut floor = Self { andon, token, admin, workers: Vec::new(), station: String::new() };
        floor.andon.client().until_known("1002").await;
        for code in ["1001", "1002"] {
            let worker = floor.andon.worker(code).await;
            floor.workers.push(worker);
        }
        floor.open(0).await;
        floor.open(1).await;
        floor
    }

    /// A worker opens a session (replacing the one before) and passes the start gate; its id.
    pub async fn open(&mut self, number: usize) -> String {
        let worker = &mut self.workers[number];
        let station = worker.stations().await[0]["id"].as_str().expect("a station").to_owned();
        worker.open(&station, "FEED-1").await.ok();
        worker.checklist(&station, "start").await.ok();
        self.station = station;
        worker.session.clone().expect("a session")
    }

    pub fn session(&self, number: usize) -> String {
        self.workers[number].session.clone().expect("a session")
    }

    pub fn address(&self) -> String {
        self.andon.place.http_url().replace("http://", "")
    }

    pub fn viewer(&self, transport: Transport, query: &str) -> Viewer {
        Viewer::new(transport, &self.address(), &self.token, query)
    }

    /// A poll that is known to wait: its answer has begun.
    pub async fn waiting_poll(&self, cursor: &str) -> Poll {
        let path = format!("/api/admin/feed?wait=60&after={cursor}");
        let mut answer = self.admin.request(reqwest::Method::GET, &path).send().await.expect("an answer");
        let begun = answer.chunk().await.expect("a piece").expect("hello").to_vec();
        assert!(begun.starts_with(b"{\"frames\":[{"), "{begun:?}");
        Poll { answer, begun }
    }

    /// What the list says of the active sessions, once it says what every command before this has come to: it comes
    /// from the log, and on a busy machine the answer to a command may be there before. The feed greets nobody earlier.
    pub async fn truth(&self) -> BTreeMap<String, String> {
        until("the view is at the head of the log", async || {
            self.admin.get("/api/admin/feed?wait=0").await.status == 200
        })
        .await;
        let list = self.admin.get("/api/admin/sessions?state=active&limit=200").await.ok();
        let rows = list["sessions"].as_array().expect("a list");
        rows.iter().map(|row| (row["id"].as_str().expect("an id").to_owned(), table::brief(row))).collect()
    }

    pub async fn status(&self, number: usize, status: &str) {
        self.workers[number].status(status).await.ok();
    }
}
