//! A gateway without servers, for tests: the demo factory, an owner that answers as it is told, and a router to ask.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, response::Response};
use bus_schemas::{
    Claim, Command, Extra, Partition, Reply, Session, SessionEvent, StationId, TimeUs, WorkerId,
    directory::{Change, Directory},
};
use futures::future::BoxFuture;
use http::{Method, Request, header};
use parking_lot::Mutex;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::{
    app::{App, Parts, Settings},
    auth::{Auth, origin::Origins, token::Who},
    clock::{Moment, wall_now},
    commands::Commands,
    directory::{Source, check, demo_factory, factory, plan},
    fixtures,
    heartbeats::Heartbeats,
    live_view::LiveView,
    router::router,
    wire::{Exchanged, LogUnread, Wire},
};

type Owner = Box<dyn Fn(&Command) -> Reply + Send + Sync>;

/// A bus with one owner on it.
pub struct FakeBus {
    owner: Mutex<Owner>,
    /// What the owner was sent.
    pub commands: Mutex<Vec<Command>>,
    /// The last event of any worker who is asked for.
    pub last_event: Mutex<Option<SessionEvent>>,
}

impl Wire for FakeBus {
    fn exchange<'a>(&'a self, _: &'a str, command: &'a Command, _: &'a str, _: Duration) -> BoxFuture<'a, Exchanged> {
        self.commands.lock().push(command.clone());
        let reply = (self.owner.lock())(command);
        Box::pin(async move { Exchanged::Answered(reply) })
    }

    fn last_event(&self, worker: WorkerId) -> BoxFuture<'_, Result<Option<(SessionEvent, u64)>, LogUnread>> {
        let event = self.last_event.lock().clone().filter(|event| event.state.session.worker_id == worker);
        Box::pin(async move { Ok(event.map(|event| (event, 1))) })
    }

    fn log_now(&self) -> Option<TimeUs> {
        Some(wall_now())
    }

    fn connected(&self) -> bool {
        true
    }
}

/// A gateway to ask.
pub struct TestGateway {
    /// Its parts.
    pub app: App,
    /// Its bus.
    pub bus: Arc<FakeBus>,
    router: Router,
}

/// The demo factory.
pub fn demo_directory() -> Directory {
    let records = plan(&Directory::default(), &factory::read(demo_factory()).unwrap(), wall_now()).unwrap().records;
    check::after(&Directory::default(), Change::Import { id: Uuid::nil(), records })
}

impl TestGateway {
    /// One whose owner answers so, and hears beats.
    pub fn new(owner: impl Fn(&Command) -> Reply + Send + Sync + 'static) -> Self {
        let bus = Arc::new(FakeBus {
            owner: Mutex::new(Box::new(owner)),
            commands: Mutex::default(),
            last_event: Mutex::default(),
        });
        let wire: Arc<dyn Wire> = bus.clone();
        let (view, idle_timeout) = (LiveView::default(), Duration::from_secs(300));
        let directory = Source::Fixed(Arc::new(demo_directory()));
        let app = App::new(Parts {
            settings: Settings {
                idle_timeout,
                max_session: Duration::from_secs(16 * 3_600),
                trusted_proxies: Vec::new(),
                require_enrolled_device: false,
                authority: None,
                origins: Origins::new(None, &["http://front.example:3000".to_owned()]),
            },
            auth: Auth::new(b"a secret of more than thirty-two bytes!", directory.clone(), view.sessions.clone()),
            directory,
            heartbeats: Heartbeats::new(view.clone(), Uuid::nil(), idle_timeout),
            commands: Commands::new(wire.clone(), view.claims.clone(), Uuid::nil()),
            view,
            wire,
            store: None,
            edits: None,
            lookups: Parts::lookups(),
        });
        let gateway = Self { router: router(app.clone()), app, bus };
        gateway.claim_all();
        gateway.app.view.feed.catch_up(0);
        gateway.hear();
        gateway
    }

    fn claim_all(&self) {
        for (seq, partition) in (1..).zip(Partition::all()) {
            let claim = Claim {
                node_id: "n-1".into(),
                at_us: wall_now(),
                released: false,
                taken: None,
                successor: None,
                extra: Extra::new(),
            };
            self.app.view.claims.fold(partition, &claim, seq);
        }
    }

    /// The owner answers a roll call, and the view is at the head of the log.
    pub fn hear(&self) {
        for node in self.app.view.claims.current_nodes() {
            node.answered(Moment::now());
            node.says(true);
        }
        self.app.view.head.prove(Moment::now());
    }

    /// A demo worker.
    pub fn worker(&self, code: &str) -> WorkerId {
        self.app.directory().worker_by_code(code).unwrap().record.id
    }

    /// The first station of a demo worker.
    pub fn station_of(&self, worker: WorkerId) -> StationId {
        self.app.directory().worker(worker).unwrap().record.assignments[0].station_id
    }

    /// An active session of a demo worker, in the view.
    pub fn open_session(&self, worker: WorkerId, id: u128) -> Session {
        let session = Session { worker_id: worker, station_id: self.station_of(worker), ..fixtures::session(0, id) };
        self.app.view.sessions.fold(fixtures::event(session.clone()), 1_000);
        session
    }

    /// A worker's token.
    pub fn token(&self, worker: WorkerId) -> String {
        self.app.auth.tokens().issue(Who::Worker(worker), wall_now()).0
    }

    /// An account's token.
    pub fn account_token(&self, role: persistence::Role) -> String {
        self.app.auth.tokens().issue(Who::Account { name: "ada".into(), role, stations: None }, wall_now()).0
    }

    /// Sends a request.
    pub async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends JSON, or nothing, and reads status and JSON of the answer.
    pub async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        read(self.send(request.body(body).unwrap()).await).await
    }

    /// Posts JSON with a token.
    pub async fn post(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, Some(token), Some(body)).await
    }

    /// Gets with a token.
    pub async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.ask(Method::GET, path, Some(token), None).await
    }
}

/// Status and JSON of an answer.
pub async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}
