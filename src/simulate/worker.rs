//! One virtual worker, shift after shift.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::{Api, Request, Trouble};
use super::menu::Menu;
use super::plan::{self, Deed, Step};
use super::{SimulateConfig, scaled};

/// As often as a tablet shows that somebody is there; in real time, because idle sessions are closed in real time.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// Workers do not all arrive in the same second; in the time of the simulation.
const ARRIVAL: Duration = Duration::from_secs(120);
/// After trouble a worker calms down before beginning anew; in real time.
const CALM: Duration = Duration::from_secs(3);

/// A worker.
pub struct Worker {
    api: Arc<Api>,
    code: String,
    jobs: Vec<String>,
    speed: f64,
    random: StdRng,
    next_beat: Instant,
}

/// Signed in.
struct Login {
    worker_id: String,
    token: String,
}

/// At work.
struct Session {
    id: String,
    station_id: String,
    started: bool,
    end_answered: bool,
    total_good: i64,
}

impl Worker {
    /// The `index`-th worker of this simulation.
    pub fn new(api: Arc<Api>, config: &SimulateConfig, index: u64, code: &str) -> Self {
        Self {
            api,
            code: code.to_owned(),
            jobs: config.jobs.clone(),
            speed: config.speed,
            // Any odd number: neighbours' seeds must differ.
            random: StdRng::seed_from_u64(config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(index)),
            next_beat: Instant::now(),
        }
    }

    /// Works for ever.
    pub async fn run(mut self) {
        let arrival = ARRIVAL.mul_f64(self.random.random());
        tokio::time::sleep(scaled(arrival, self.speed)).await;
        loop {
            match self.shifts().await {
                Err(Trouble::LoginRequired) => {}
                Err(Trouble::Unexpected) => tokio::time::sleep(CALM).await,
            }
        }
    }

    /// Signs in and works until something is in the way.
    async fn shifts(&mut self) -> Result<Infallible, Trouble> {
        let body = json!({"workerCode": self.code});
        let login = self.api.send(Request { name: "login", path: "/api/workers/login", body: Some(body), token: None });
        let login = login.await.inspect_err(|trouble| {
            if *trouble == Trouble::LoginRequired {
                self.api.tally().unexpected("login: 401 to a login");
            }
        })?;
        let login = Login { worker_id: self.text(&login["worker"]["id"])?, token: self.text(&login["token"])? };
        loop {
            self.shift(&login).await?;
            let pause = plan::pause(&mut self.random);
            tokio::time::sleep(scaled(pause, self.speed)).await;
        }
    }

    /// One session from opening to completing, or from where an earlier run left it.
    async fn shift(&mut self, login: &Login) -> Result<(), Trouble> {
        let path = format!("/api/workers/active-session?workerId={}", login.worker_id);
        let active = self.get(login, "active-session", &path).await?;
        let left = [&active["session"], &active["pending"]].into_iter().find(|found| !found.is_null());
        let mut session = match left {
            Some(left) => self.session(&left["session"])?,
            None => self.open(login).await?,
        };
        self.next_beat = Instant::now() + HEARTBEAT_EVERY;
        if !session.started {
            self.answer_checklist(login, &session, "start").await?;
        }
        let menu = self.menu(login, &session.station_id).await?;
        for Step { after, deed } in plan::shift(&mut self.random, &menu) {
            self.wait(login, &session, after).await?;
            self.act(login, &mut session, deed).await?;
        }
        if !session.end_answered {
            self.answer_checklist(login, &session, "end").await?;
        }
        self.post(login, "complete", "/api/sessions/complete", json!({"sessionId": session.id})).await?;
        self.api.tally().completed();
        Ok(())
    }

    async fn open(&mut self, login: &Login) -> Result<Session, Trouble> {
        let path = format!("/api/stations?workerId={}", login.worker_id);
        let stations = self.get(login, "stations", &path).await?;
        let stations: Vec<&Value> = stations["stations"].as_array().into_iter().flatten().collect();
        let (Some(station), Some(job)) = (stations.choose(&mut self.random), self.jobs.choose(&mut self.random)) else {
            return Err(
                self.unexpected(format!("stations: none is assigned to the worker with the code {}", self.code))
            );
        };
        let body = json!({"workerId": login.worker_id, "stationId": station["id"], "jobNumber": job});
        let opened = self.post(login, "open", "/api/jobs", body).await?;
        self.session(&opened["session"])
    }

    async fn answer_checklist(&mut self, login: &Login, session: &Session, kind: &str) -> Result<(), Trouble> {
        let path = format!("/api/checklists?stationId={}&kind={kind}", session.station_id);
        let list = self.get(login, "checklist", &path).await?;
        let items: Vec<&Value> = list["checklist"]["items"].as_array().into_iter().flatten().collect();
        if items.is_empty() {
            return Ok(());
        }
        let reading = plan::checklist(&mut self.random);
        self.wait(login, session, reading).await?;
        // What need not be answered is answered by some, in words.
        let answers = items.iter().filter_map(|item| {
            let id = &item["id"];
            let words = item["is_required"] != true;
            match words {
                false => Some(json!({"item_id": id, "value_bool": true})),
                true if self.random.random_bool(0.5) => Some(json!({"item_id": id, "value_text": "all right"})),
                true => None,
            }
        });
        let responses: Vec<Value> = answers.collect();
        let body = json!({
            "sessionId": session.id, "stationId": session.station_id, "kind": kind, "responses": responses,
        });
        let name = if kind == "start" { "start-checklist" } else { "end-checklist" };
        self.post(login, name, "/api/checklists/responses", body).await?;
        Ok(())
    }

    async fn menu(&mut self, login: &Login, station: &str) -> Result<Menu, Trouble> {
        let statuses = self.get(login, "statuses", &format!("/api/statuses?stationId={station}")).await?;
        let stop = self.get(login, "reasons", "/api/reasons?type=stop").await?;
        let scrap = self.get(login, "reasons", "/api/reasons?type=scrap").await?;
        Ok(Menu::read(&statuses, &stop, &scrap))
    }

    async fn act(&mut self, login: &Login, session: &mut Session, deed: Deed) -> Result<(), Trouble> {
        let quantities = "/api/sessions/quantities";
        let answer = match deed {
            Deed::Status { code, reason, note } => {
                let body = json!({"sessionId": session.id, "status": code, "reasonId": reason, "note": note});
                return self.post(login, "status", "/api/status-events", body).await.map(drop);
            }
            Deed::Count { good, scrap, reason } => {
                let body = json!({
                    "sessionId": session.id, "good_delta": good, "scrap_delta": scrap, "reasonId": reason,
                });
                self.post(login, "quantities", quantities, body).await?
            }
            Deed::Correct { fewer } => {
                let body = json!({"sessionId": session.id, "total_good": (session.total_good - fewer).max(0)});
                self.post(login, "correction", quantities, body).await?
            }
        };
        session.total_good = answer["session"]["total_good"].as_i64().unwrap_or(session.total_good);
        Ok(())
    }

    /// Works on for this long, showing that somebody is there.
    async fn wait(&mut self, login: &Login, session: &Session, span: Duration) -> Result<(), Trouble> {
        let end = Instant::now() + scaled(span, self.speed);
        while self.next_beat < end {
            tokio::time::sleep_until(self.next_beat).await;
            self.next_beat = Instant::now() + HEARTBEAT_EVERY;
            let beat = json!({"sessionId": session.id});
            let answer = self.post(login, "heartbeat", "/api/sessions/heartbeat", beat).await?;
            if answer["ok"] != true {
                return Err(self.unexpected(format!("heartbeat: {answer}")));
            }
        }
        tokio::time::sleep_until(end).await;
        Ok(())
    }

    async fn get(&self, login: &Login, name: &'static str, path: &str) -> Result<Value, Trouble> {
        self.api.send(Request { name, path, body: None, token: Some(&login.token) }).await
    }

    async fn post(&self, login: &Login, name: &'static str, path: &str, body: Value) -> Result<Value, Trouble> {
        self.api.send(Request { name, path, body: Some(body), token: Some(&login.token) }).await
    }

    fn session(&self, record: &Value) -> Result<Session, Trouble> {
        Ok(Session {
            id: self.text(&record["id"])?,
            station_id: self.text(&record["station_id"])?,
            started: record["start_checklist_completed"] == true,
            end_answered: record["end_checklist_completed"] == true,
            total_good: record["total_good"].as_i64().unwrap_or(0),
        })
    }

    fn text(&self, value: &Value) -> Result<String, Trouble> {
        value.as_str().map(str::to_owned).ok_or_else(|| self.unexpected(format!("an answer lacks a text: {value}")))
    }

    fn unexpected(&self, what: String) -> Trouble {
        self.api.tally().unexpected(&what);
        Trouble::Unexpected
    }
}
