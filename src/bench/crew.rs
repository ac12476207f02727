//! Workers who have signed in and opened a session, over HTTP like everybody.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::factory::{self, Factory};
use super::stack::Stack;
use super::wire::{Connection, Prepared};

/// How long the gateway may take to know a factory that was just made.
const KNOWN_WITHIN: Duration = Duration::from_secs(30);
/// Pause before the next try. Failed logins are counted, so there must not be many.
const PAUSE: Duration = Duration::from_millis(300);

/// One of them.
#[derive(Debug, Clone)]
pub struct Member {
    /// The login.
    pub token: String,
    /// The open session.
    pub session: String,
}

/// Signs in the first `count` workers of the factory, and opens a session for each.
///
/// # Errors
/// One of them is refused.
pub async fn assemble(stack: &Stack, factory: &Factory, count: usize) -> anyhow::Result<Vec<Member>> {
    let mut connection = Connection::open(stack.http()).await?;
    wait_until_known(&mut connection, count - 1).await?;
    let mut crew = Vec::with_capacity(count);
    for (index, worker) in factory.workers.iter().enumerate().take(count) {
        let token = login(&mut connection, index).await?;
        let open = json!({"workerId": worker, "stationId": factory.station, "jobNumber": factory::JOB});
        let open = Prepared::post("/api/jobs", Some(&token), &open.to_string());
        let opened = ask(&mut connection, &open).await.context("a session cannot be opened")?;
        crew.push(Member { token, session: text(&opened["session"]["id"])? });
    }
    Ok(crew)
}

/// Signs in the worker with this number, who must be known.
///
/// # Errors
/// The login is refused.
pub async fn login(connection: &mut Connection, index: usize) -> anyhow::Result<String> {
    let login = ask(connection, &login_request(index)).await.context("a worker cannot sign in")?;
    text(&login["token"])
}

/// Waits until the gateway knows the worker with this number.
///
/// # Errors
/// It does not within half a minute.
pub async fn wait_until_known(connection: &mut Connection, index: usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + KNOWN_WITHIN;
    loop {
        tokio::time::sleep(PAUSE).await;
        let answer = connection.exchange(&login_request(index)).await?;
        if answer.is_success() {
            return Ok(());
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "the factory is not known after {KNOWN_WITHIN:?}: {}",
            answer.told()
        );
    }
}

fn login_request(index: usize) -> Prepared {
    Prepared::post("/api/workers/login", None, &json!({"workerCode": factory::code(index)}).to_string())
}

async fn ask(connection: &mut Connection, request: &Prepared) -> anyhow::Result<Value> {
    let answer = connection.exchange(request).await?;
    anyhow::ensure!(answer.is_success(), "{}", answer.told());
    Ok(serde_json::from_slice(answer.body)?)
}

fn text(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).context("an answer lacks a text")
}
