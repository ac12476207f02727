//! Bad input on every route of the table, on the real stack: a documented 4xx, no event, no panic.

use bytes::Bytes;
use gateway::router::{ROUTES, Route, Takes};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::hall::{Hall, text};
use crate::harness::{Answer, Client};

/// Requests of each kind of badness.
const CASES: u32 = 300;

/// What a field holds when it is right.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Right {
    Text,
    Number,
    Flag,
    List,
}

/// Every field that any route looks at.
const FIELDS: &[(&str, Right)] = &[
    ("workerCode", Right::Text),
    ("workerId", Right::Text),
    ("stationId", Right::Text),
    ("sessionId", Right::Text),
    ("jobNumber", Right::Text),
    ("kind", Right::Text),
    ("responses", Right::List),
    ("status", Right::Text),
    ("reasonId", Right::Text),
    ("note", Right::Text),
    ("imageUrl", Right::Text),
    ("total_good", Right::Number),
    ("total_scrap", Right::Number),
    ("good_delta", Right::Number),
    ("scrap_delta", Right::Number),
    ("reason", Right::Text),
    ("commandId", Right::Text),
    ("occurredAt", Right::Text),
    ("account", Right::Text),
    ("password", Right::Text),
    ("role", Right::Text),
    ("stations", Right::List),
    ("station_ids", Right::List),
    ("is_active", Right::Flag),
    ("all_stations", Right::Flag),
    ("name", Right::Text),
    ("full_name", Right::Text),
    ("code", Right::Text),
    ("station_type", Right::Text),
    ("label_en", Right::Text),
    ("label_he", Right::Text),
    ("label_ru", Right::Text),
    ("type", Right::Text),
    ("job_number", Right::Text),
    ("planned_quantity", Right::Number),
    ("machine_class", Right::Text),
    ("color", Right::Text),
];

/// A value that is wrong for such a field: of another type, out of range, or text that nobody types.
fn wrong(right: Right) -> BoxedStrategy<Value> {
    let number = prop_oneof![any::<i64>().prop_map(Value::from), any::<f64>().prop_map(Value::from)];
    let huge = prop_oneof![Just(json!(1e300)), Just(json!(u64::MAX)), Just(json!(-1)), Just(json!(0.5))];
    let list = Just(json!([[[{"item_id": [1]}], null, 7]]));
    let object = Just(json!({"sessionId": {"x": [1, 2]}}));
    let flag = any::<bool>().prop_map(Value::from);
    let control = prop_oneof![
        Just(json!("x\u{0}y")),
        Just(json!("\u{1b}[2Jx")),
        Just(json!("a\r\nSet-Cookie: x=y")),
        Just(Value::from("x".repeat(5_000) + "\u{7f}")),
    ];
    match right {
        Right::Text => prop_oneof![number, flag, list, object, control].boxed(),
        Right::Number => prop_oneof![flag, list, object, control, huge].boxed(),
        Right::Flag => prop_oneof![number, list, object, control].boxed(),
        Right::List => prop_oneof![number, flag, object, control, Just(json!([7, "x"]))].boxed(),
    }
}

/// All fields wrong, each in a way of its own.
fn all_wrong() -> impl Strategy<Value = Value> {
    let values: Vec<_> = FIELDS.iter().map(|(_, right)| wrong(*right)).collect();
    values.prop_map(|values| {
        let fields: Map<_, _> =
            FIELDS.iter().zip(values).map(|((name, _), value)| ((*name).to_owned(), value)).collect();
        Value::Object(fields)
    })
}

/// Bytes that are no JSON object.
fn no_object() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..200),
        "[\\[\\]{}\",:0-9a-z\\\\ ]{1,80}".prop_map(String::into_bytes),
        Just(b"{\"sessionId\": \"\xff\xfe\"}".to_vec()),
        Just(b"{\"sessionId\": \"\\ud800\"}".to_vec()),
        (1_usize..30_000).prop_map(|depth| format!("{{\"a\":{}", "[".repeat(depth)).into_bytes()),
        (1_usize..10_000).prop_map(|depth| "{\"a\":".repeat(depth).into_bytes()),
    ];
    bytes.prop_filter("an object", |bytes| serde_json::from_slice::<Map<String, Value>>(bytes).is_err())
}

/// Somebody who may do everything that this route allows, so that nothing is refused for who asks.
struct Asker {
    runtime: tokio::runtime::Runtime,
    hall: Hall,
    admin: Client,
    worker: Client,
}

impl Asker {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (hall, admin, worker) = runtime.block_on(async {
            let hall = Hall::open().await;
            let admin = hall.admin().await;
            let worker = hall.at_work("1001").await.0.client;
            (hall, admin, worker)
        });
        Self { runtime, hall, admin, worker }
    }

    fn client(&self, route: &Route) -> &Client {
        if route.path.contains("/admin/") { &self.admin } else { &self.worker }
    }

    fn send(&self, route: &Route, path: &str, content_type: &str, body: impl Into<Bytes>) -> Answer {
        let client = self.client(route);
        let mut request = client.request(route.method.clone(), path).header("If-Match", "0");
        if route.method != Method::GET {
            request = request.header("Content-Type", content_type).body(body.into());
        }
        let sent = self.runtime.block_on(client.send(request));
        sent.unwrap_or_else(|error| panic!("{} {path}: {error}", route.method))
    }

    /// Runs this many requests made by `strategy`; afterwards nothing has happened.
    fn attack<S: Strategy>(mut self, strategy: S, send: impl Fn(&Self, S::Value) -> Result<(), TestCaseError>) {
        let before = self.runtime.block_on(self.hall.heads());
        let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
        let ran = TestRunner::new(config).run(&strategy, |value| send(&self, value));
        ran.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(self.runtime.block_on(self.hall.heads()), before, "bad input made an event");
        self.runtime.block_on(self.hall.is_unharmed());
    }
}

/// The path with something in the places of its parameters.
fn filled(route: &Route, kind: &str, id: &str) -> String {
    route.path.replace("{kind}", kind).replace("{id}", id).replace("{name}", id)
}

/// A refusal in the words of the contract.
fn refused(route: &Route, answer: &Answer, allowed: &[u16]) -> Result<(), TestCaseError> {
    let code = answer.body["error"].as_str().unwrap_or_default();
    let known =
        gateway::Code::ALL.iter().any(|known| known.as_str() == code && known.status().as_u16() == answer.status);
    prop_assert!(known && (400..500).contains(&answer.status), "{} {}: {answer:?}", route.method, route.path);
    prop_assert!(allowed.contains(&answer.status), "{} {}: {answer:?}", route.method, route.path);
    Ok(())
}

fn taking(takes: &'static [Takes]) -> Vec<&'static Route> {
    ROUTES.iter().filter(|route| takes.contains(&route.takes)).collect()
}

const UNKNOWN: &str = "0190a5c0-0000-7000-8000-00000000dead";

/// Fault 30: random and mutated requests on every route.
#[test]
fn what_is_no_json_object_is_refused_on_every_route_that_takes_one() {
    let routes = taking(&[Takes::Json, Takes::MaybeJson, Takes::Beacon]);
    let strategy = (0..routes.len(), no_object());
    Asker::new().attack(strategy, |asker, (route, body)| {
        let route = routes[route];
        let answer = asker.send(route, &filled(route, "worker", UNKNOWN), "application/json", body);
        // A number that no machine holds is out of range; a path that names nothing is not found.
        refused(route, &answer, &[400, 404, 422])
    });
}

/// Fault 30: random and mutated requests on every route.
#[test]
fn values_of_wrong_types_are_refused_on_every_route_that_needs_some() {
    let routes = taking(&[Takes::Json, Takes::Beacon]);
    let kinds = ["worker", "station", "job", "reason", "status"];
    let strategy = (0..routes.len(), all_wrong(), 0..kinds.len());
    Asker::new().attack(strategy, |asker, (route, body, kind)| {
        let route = routes[route];
        let answer = asker.send(route, &filled(route, kinds[kind], UNKNOWN), "application/json", body.to_string());
        refused(route, &answer, &[400, 404, 422])
    });
}

#[test]
fn fields_that_are_missing_and_ids_of_nobody_are_refused() {
    let routes = taking(&[Takes::Json, Takes::Beacon]);
    let ids = json!({
        "workerCode": "no such code", "workerId": UNKNOWN, "stationId": UNKNOWN, "sessionId": UNKNOWN, "kind": "start",
        "jobNumber": "J", "responses": [], "status": "setup", "total_good": 1, "reason": "worker_choice",
        "account": "nobody", "password": "short", "role": "viewer", "stations": [UNKNOWN],
    });
    let fields = ids.as_object().expect("an object").clone();
    let names: Vec<_> = fields.keys().cloned().collect();
    // A device needs a name, and gets one from nobody here.
    let strategy = (0..routes.len(), prop::sample::subsequence(names.clone(), 0..=names.len()));
    Asker::new().attack(strategy, |asker, (route, names)| {
        let route = routes[route];
        let body: Map<_, _> = names.iter().map(|name| (name.clone(), fields[name].clone())).collect();
        let answer =
            asker.send(route, &filled(route, "station", UNKNOWN), "application/json", Value::Object(body).to_string());
        if route.takes == Takes::Beacon && answer.status == 200 {
            prop_assert_eq!(&answer.body["ok"], &json!(false));
            return Ok(());
        }
        refused(route, &answer, &[400, 403, 404, 422, 429])
    });
}

/// Fault 30: random and mutated requests on every route.
#[test]
fn paths_and_queries_of_any_kind_are_answered_by_the_contract() {
    // An export is written down, whatever its query.
    let routes: Vec<_> = ROUTES
        .iter()
        .filter(|route| {
            route.method == Method::GET && !route.path.ends_with("/export") && !route.path.contains("socket")
        })
        .collect();
    let names = [
        "workerId",
        "stationId",
        "kind",
        "type",
        "state",
        "station",
        "worker",
        "job",
        "from",
        "to",
        "limit",
        "cursor",
        "after",
        "until",
        "actor",
        "id",
        "status",
        "mode",
    ];
    let hostile = "[%a-zA-Z0-9+&=;.:'\"<>-]{0,60}";
    let strategy = (0..routes.len(), "[a-z0-9%'-]{1,40}", prop::sample::select(names.to_vec()), hostile);
    Asker::new().attack(strategy, |asker, (route, part, name, value)| {
        let route = routes[route];
        let part: String = url::form_urlencoded::byte_serialize(part.as_bytes()).collect();
        let path = format!("{}?{name}={value}&wait=0", filled(route, &part, &part));
        let answer = asker.send(route, &path, "application/json", Bytes::new());
        // A busy machine may be without a proof that all is well for a moment.
        let unready = route.path == "/readyz" && answer.status == 503;
        if answer.status >= 400 && !unready {
            refused(route, &answer, &[400, 403, 404, 422])?;
        }
        Ok(())
    });
}

#[test]
fn ids_that_are_none_are_refused_on_every_route_that_changes_something() {
    let mut asker = Asker::new();
    let before = asker.runtime.block_on(asker.hall.heads());
    let routes = ROUTES.iter().filter(|route| route.method != Method::GET && route.path.contains('{'));
    let mut tried = 0;
    for route in routes {
        for part in ["%00%1b%5b2J", "..%2f..%2fetc%2fpasswd", "%ff%fe", "7", "'%20or%201=1--", "%e2%80%ae"] {
            let answer = asker.send(route, &filled(route, part, part), "application/json", "{}");
            assert!([400, 404, 422].contains(&answer.status), "{} {} {part}: {answer:?}", route.method, route.path);
            tried += 1;
        }
    }
    assert!(tried >= 24, "{tried} requests only");
    assert_eq!(asker.runtime.block_on(asker.hall.heads()), before, "bad input made an event");
    asker.runtime.block_on(asker.hall.is_unharmed());
}

#[test]
fn numbers_that_nobody_counts_are_out_of_range() {
    let asker = Asker::new();
    let sessions = asker.runtime.block_on(asker.admin.get("/api/admin/sessions")).ok();
    let session = text(&sessions["sessions"][0]["id"]).to_owned();
    let strategy = (
        prop::sample::select(vec!["total_good", "total_scrap", "good_delta", "scrap_delta"]),
        prop_oneof![
            Just("1e999".to_owned()),
            Just("-9223372036854775809".to_owned()),
            Just("99999999999999999999".to_owned()),
            (1_000_000_001_i64..).prop_map(|number| number.to_string()),
            (i64::MIN..0).prop_map(|number| number.to_string()),
            (1_u32..9).prop_map(|number| format!("0.{number}")),
        ],
    );
    let route = ROUTES.iter().find(|route| route.path.ends_with("/quantities")).expect("a route");
    asker.attack(strategy, |asker, (field, number)| {
        let body = format!("{{\"sessionId\": \"{session}\", \"{field}\": {number}}}");
        refused(route, &asker.send(route, route.path, "application/json", body), &[422])
    });
}

/// Fault 29: bodies that are too large.
#[test]
fn what_is_too_large_or_of_another_kind_is_refused_by_name_on_every_route() {
    let mut asker = Asker::new();
    let before = asker.runtime.block_on(asker.hall.heads());
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20));
    for route in ROUTES.iter().filter(|route| route.takes != Takes::Nothing) {
        let path = filled(route, "worker", UNKNOWN);
        let (kind, size) = match route.takes {
            Takes::Toml => ("application/toml", 9 << 20),
            _ => ("application/json", large.len()),
        };
        let body = if route.takes == Takes::Toml { "#".repeat(size) } else { large.clone() };
        let answer = asker.send(route, &path, kind, body);
        assert_eq!(answer.refused(413), "TOO_LARGE", "{path}");
        if route.takes != Takes::Beacon {
            let answer = asker.send(route, &path, "text/plain", "{}");
            assert_eq!(answer.refused(415), "UNSUPPORTED_MEDIA_TYPE", "{path}");
        }
    }
    for (file, what) in [(&b"\xff\xfe"[..], 400), (b"[[station]\n", 422), (b"station = 7", 422)] {
        let route = ROUTES.iter().find(|route| route.takes == Takes::Toml).expect("a route");
        let answer = asker.send(route, route.path, "application/toml", Bytes::from_static(file));
        assert_eq!(answer.status, what, "{answer:?}");
    }
    assert_eq!(asker.runtime.block_on(asker.hall.heads()), before);
    asker.runtime.block_on(asker.hall.is_unharmed());
}
