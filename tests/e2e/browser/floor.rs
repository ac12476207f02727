//! A factory where nobody works but those at the browsers of a test, and what its log says in the end.

use serde_json::{Value, json};

use crate::harness::{ADMIN_PASSWORD, Andon, Client, Place, until_some};

/// A factory, and its first account.
pub struct Floor {
    pub andon: Andon,
    pub admin: Client,
}

impl Floor {
    /// The demo factory.
    pub async fn open() -> Self {
        Self::with(gateway::demo_factory(), "1012").await
    }

    /// A factory of one's own, in which there is a worker with this code.
    pub async fn with(factory: &str, code: &str) -> Self {
        Self::at(Place::new(), factory, code).await
    }

    /// The same in a place with settings of its own.
    pub async fn at(place: Place, factory: &str, code: &str) -> Self {
        let andon = Andon::start(place, &["up"]).await;
        std::fs::write(andon.place.directory().join("factory.toml"), factory).expect("written");
        let output = andon.place.command(&["admin", "import", "factory.toml"]).output().expect("andon starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        andon.client().until_known(code).await;
        let admin = Self::signed_in(&andon.client()).await;
        Self { andon, admin }
    }

    /// The first account, which lives in Postgres, for which nobody waits.
    pub async fn signed_in(client: &Client) -> Client {
        let body = json!({"account": "admin", "password": ADMIN_PASSWORD});
        let token = until_some("the admin can sign in", async || {
            client.post("/api/admin/login", &body).await.body["token"].as_str().map(str::to_owned)
        });
        client.clone().with_token(token.await)
    }

    /// The address of the gateway.
    pub fn url(&self) -> String {
        self.andon.place.http_url()
    }

    /// Everything about a session, from history.
    pub async fn story(&self, session: &str) -> Value {
        let path = format!("/api/admin/sessions/{session}");
        until_some("history can be read", async || {
            let answer = self.admin.get(&path).await;
            (answer.status == 200).then_some(answer.body)
        })
        .await
    }

    /// The active sessions, each with its status and its good pieces, ordered.
    pub async fn active(&self) -> Vec<(String, String, u64)> {
        let list = self.admin.get("/api/admin/sessions?state=active&limit=200").await.ok();
        let mut sessions: Vec<_> = list["sessions"].as_array().expect("a list").iter().map(brief).collect();
        sessions.sort();
        sessions
    }
}

fn brief(session: &Value) -> (String, String, u64) {
    let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
    (text("id"), text("current_status"), session["total_good"].as_u64().expect("a number"))
}
