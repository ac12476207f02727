//! Every route × everybody who might ask: who is let in and who is not, from the table of routes.

use bus_schemas::{Done, Reply, Session, StationId, WorkerId, reply::Effect};
use http::Method;
use persistence::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Needs, ROUTES, Route, Takes};
use crate::{
    auth::{logins::Access, token::Who},
    clock::wall_now,
    test_gateway::{TestGateway, read},
};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    Nobody,
    /// The worker whom the request is about.
    Worker,
    /// Another one.
    OtherWorker,
    Account(Role),
    /// Limited to the station that the request is about.
    LimitedHere(Role),
    /// Limited to another station.
    LimitedElsewhere(Role),
}

const ASKERS: [Asker; 12] = [
    Asker::Nobody,
    Asker::Worker,
    Asker::OtherWorker,
    Asker::Account(Role::Viewer),
    Asker::Account(Role::Supervisor),
    Asker::Account(Role::Admin),
    Asker::LimitedHere(Role::Viewer),
    Asker::LimitedHere(Role::Supervisor),
    Asker::LimitedHere(Role::Admin),
    Asker::LimitedElsewhere(Role::Viewer),
    Asker::LimitedElsewhere(Role::Supervisor),
    Asker::LimitedElsewhere(Role::Admin),
];

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Whatever the answer, it is not about who asks.
    LetIn,
    LoginRequired,
    Forbidden,
    /// It does not exist, as far as this asker is concerned.
    NotFound,
}

fn fate(needs: Needs, about_a_session: bool, asker: Asker) -> Fate {
    use Asker::{Account, LimitedElsewhere, LimitedHere, Nobody, OtherWorker, Worker};
    let let_in = |may: bool, otherwise: Fate| if may { Fate::LetIn } else { otherwise };
    match (needs, asker) {
        (Needs::Nobody, _) => Fate::LetIn,
        (_, Nobody) => Fate::LoginRequired,
        (Needs::Login, _) | (Needs::Worker(_) | Needs::Session, Worker) => Fate::LetIn,
        (Needs::Worker(access), Account(role)) => {
            let least = if access == Access::Read { Role::Viewer } else { Role::Supervisor };
            let_in(role >= least, Fate::Forbidden)
        }
        (Needs::Worker(_), OtherWorker | LimitedHere(_) | LimitedElsewhere(_)) => Fate::Forbidden,
        (Needs::Session, Account(role) | LimitedHere(role)) => let_in(role >= Role::Supervisor, Fate::NotFound),
        (Needs::Session, OtherWorker | LimitedElsewhere(_)) => Fate::NotFound,
        (Needs::Account(_) | Needs::WholeFactory(_), Worker | OtherWorker) => Fate::Forbidden,
        (Needs::Account(least) | Needs::WholeFactory(least), Account(role)) => let_in(role >= least, Fate::Forbidden),
        (Needs::Account(least), LimitedHere(role)) => let_in(role >= least, Fate::Forbidden),
        (Needs::Account(least), LimitedElsewhere(role)) if role < least => Fate::Forbidden,
        (Needs::Account(_), LimitedElsewhere(_)) => let_in(!about_a_session, Fate::NotFound),
        (Needs::WholeFactory(_), LimitedHere(_) | LimitedElsewhere(_)) => Fate::Forbidden,
    }
}

struct Floor {
    gateway: TestGateway,
    worker: WorkerId,
    session: Session,
}

impl Floor {
    fn new() -> Self {
        let gateway = TestGateway::new(|_| {
            let session = crate::fixtures::session(1, 10);
            let interval = session.open.clone();
            let done =
                Done { effect: Effect::Stored, session: Some(session), interval, seq: 9, grace_expires_at_us: None };
            Reply::Done(Box::new(done))
        });
        let worker = gateway.worker("1001");
        let session = gateway.open_session(worker, 10);
        Self { gateway, worker, session }
    }

    fn token(&self, asker: Asker) -> Option<String> {
        let elsewhere = StationId(Uuid::from_u128(0xe15e));
        let account = |role, stations: Option<StationId>| Who::Account {
            name: "ada".into(),
            role,
            stations: stations.map(|station| [station].into()),
        };
        let who = match asker {
            Asker::Nobody => return None,
            Asker::Worker => Who::Worker(self.worker),
            Asker::OtherWorker => Who::Worker(self.gateway.worker("1002")),
            Asker::Account(role) => account(role, None),
            Asker::LimitedHere(role) => account(role, Some(self.session.station_id)),
            Asker::LimitedElsewhere(role) => account(role, Some(elsewhere)),
        };
        Some(self.gateway.app.auth.tokens().issue(who, wall_now()).0)
    }

    /// A path and a body about this worker and session that the route can take.
    fn request(&self, route: &Route) -> (String, Option<Value>) {
        let (worker, session, station) = (self.worker, self.session.id, self.session.station_id);
        let path = route.path.replace("sessions/{id}", &format!("sessions/{session}"));
        let path = path.replace("{kind}", "station").replace("{id}", &station.to_string());
        let path = path.replace("{name}", "somebody");
        let query = format!("?workerId={worker}&stationId={station}&kind=start");
        let body = match route.takes {
            Takes::Nothing | Takes::Toml => None,
            Takes::Json | Takes::MaybeJson | Takes::Beacon => Some(json!({
                "workerId": worker.0, "sessionId": session.0, "stationId": station.0, "jobNumber": "J-1",
                "kind": "start", "responses": [], "status": "setup", "total_good": 1, "reason": "worker_choice",
            })),
        };
        (if route.method == Method::GET { path + &query } else { path }, body)
    }
}

// A route may wait for what nobody sends here: time that is paused passes at once.
/// Fault 27: everybody calls every route.
#[tokio::test(start_paused = true)]
async fn every_route_lets_in_whom_its_row_names_and_nobody_else() {
    let mut wrong = Vec::new();
    for route in ROUTES {
        for asker in ASKERS {
            // given a factory of its own: what one asker may do must not be in the way of the next
            let floor = Floor::new();
            let (path, body) = floor.request(route);

            // when
            let token = floor.token(asker);
            let (status, answer) = floor.gateway.ask(route.method.clone(), &path, token.as_deref(), body).await;

            // then
            let seen = match (status, answer["error"].as_str()) {
                (401, Some("LOGIN_REQUIRED")) => Fate::LoginRequired,
                (403, Some("FORBIDDEN")) => Fate::Forbidden,
                (404, Some("NOT_FOUND")) => Fate::NotFound,
                _ => Fate::LetIn,
            };
            let about_a_session = route.path.contains("sessions/{id}") || path.contains("/directory/station/");
            let expected = fate(route.needs, about_a_session, asker);
            // What is not there for anybody is not there for those who are let in either.
            let fits = seen == expected
                || (expected == Fate::LetIn && seen == Fate::NotFound && route.needs != Needs::Session);
            if !fits {
                wrong.push(format!(
                    "{} {} as {asker:?}: {seen:?} ({status} {answer}), not {expected:?}",
                    route.method, path
                ));
            }
            let sent = floor.gateway.bus.commands.lock().len();
            if expected != Fate::LetIn && sent > 0 {
                wrong.push(format!("{} {} as {asker:?}: {sent} commands were sent", route.method, path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_route_but_pages_and_those_about_the_contract_stands_in_the_contract_and_none_besides() {
    let floor = Floor::new();
    let (_, contract) = floor.gateway.get("/api/openapi.json", "").await;
    let paths = contract["paths"].as_object().unwrap();
    let of_itself = ["/api/docs", "/api/openapi.json"];
    for route in ROUTES.iter().filter(|route| !route.page && !of_itself.contains(&route.path)) {
        let method = route.method.as_str().to_lowercase();
        assert!(paths.get(route.path).is_some_and(|path| path.get(&method).is_some()), "{method} {}", route.path);
    }
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let known = |route: &&Route| route.path == path && route.method.as_str().eq_ignore_ascii_case(method);
            assert!(ROUTES.iter().any(|route| known(&route)), "{method} {path} has no row");
        }
    }
}

/// Fault 25: a page of another site sends requests to every route.
#[tokio::test]
async fn every_post_with_a_cookie_from_another_site_is_refused_and_does_nothing() {
    for route in ROUTES.iter().filter(|route| route.method != Method::GET) {
        for (site, origin, content_type) in [
            (Some("cross-site"), Some("http://evil.example"), "text/plain"),
            (Some("cross-site"), Some("http://evil.example"), "application/json"),
            (Some("same-site"), Some("http://floor.example:9999"), "text/plain"),
            (None, Some("http://evil.example"), "text/plain"),
            (None, Some("null"), "application/x-www-form-urlencoded"),
            (None, None, "text/plain"),
        ] {
            // given somebody who may do everything, with cookies
            let floor = Floor::new();
            let (path, body) = floor.request(route);
            let admin = floor.token(Asker::Account(Role::Admin)).unwrap();
            let worker = floor.token(Asker::Worker).unwrap();
            let cookies = format!("andon_admin={admin}; andon_worker_{}={worker}", floor.worker.0.as_simple());

            // when a page of another site sends the request
            let mut request = http::Request::builder()
                .method(route.method.clone())
                .uri(&path)
                .header("host", "floor.example")
                .header("cookie", cookies)
                .header("content-type", content_type);
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let body = body.map(|body| body.to_string()).unwrap_or_default();
            let (status, answer) = read(floor.gateway.send(request.body(body.into()).unwrap()).await).await;

            // then
            let seen = (status, answer["error"].as_str());
            assert_eq!(seen, (403, Some("ORIGIN_REFUSED")), "{} {path} {site:?} {origin:?}", route.method);
            assert!(floor.gateway.bus.commands.lock().is_empty(), "{path}");
        }
    }
}
