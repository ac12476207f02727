//! A factory with people in it, where nobody works unless a test says so.

use serde_json::json;

use crate::harness::{ADMIN_PASSWORD, Andon, Client, until_some};

/// A running `andon up` with the demo factory imported, without simulated workers.
pub async fn factory() -> Andon {
    let andon = Andon::up().await;
    let file = andon.place.directory().join("factory.toml");
    std::fs::write(&file, gateway::directory::demo_factory()).expect("written");
    let file = file.display().to_string();
    let output = andon.place.command(&["admin", "import", &file]).output().expect("andon starts");
    assert!(output.status.success(), "{output:?}");
    andon.client().until_known("1012").await;
    andon
}

/// The first account, as soon as it can sign in: it lives in Postgres, which nobody waits for.
pub async fn admin(andon: &Andon) -> Client {
    let body = json!({"account": "admin", "password": ADMIN_PASSWORD});
    let token = until_some("the admin can sign in", async || {
        let answer = andon.client().post("/api/admin/login", &body).await;
        answer.body["token"].as_str().map(str::to_owned)
    });
    andon.client().with_token(token.await)
}
