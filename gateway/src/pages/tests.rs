//! Tests of the pages as browsers ask for them.

use std::io::Read as _;

use axum::{body::Body, response::Response};
use bus_schemas::{Refusal, RefusalCode, Reply};
use flate2::read::GzDecoder;
use http::{Method, Request, header};
use rstest::rstest;

use super::asset;
use crate::{
    router::ROUTES,
    test_gateway::{TestGateway, read},
};

fn gateway() -> TestGateway {
    TestGateway::new(|_| Reply::Refused(Box::new(Refusal::new(RefusalCode::NotFound, "there is none"))))
}

async fn ask(method: Method, path: &str, headers: &[(header::HeaderName, &str)]) -> Response {
    let request = headers
        .iter()
        .fold(Request::builder().method(method).uri(path), |request, (name, value)| request.header(name, *value));
    gateway().send(request.body(Body::empty()).unwrap()).await
}

async fn bytes(response: Response) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap().to_vec()
}

fn value(response: &Response, name: header::HeaderName) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[rstest]
#[case("/", "index.html")]
#[case("/login", "index.html")]
#[case("/stations", "index.html")]
#[case("/job/0190a5c0-0000-7000-8000-000000000001", "index.html")]
#[case("/start", "index.html")]
#[case("/work", "index.html")]
#[case("/end", "index.html")]
#[case("/summary/0190a5c0-0000-7000-8000-000000000001", "index.html")]
#[case("/resume", "index.html")]
#[case("/admin", "admin.html")]
#[case("/admin/", "admin.html")]
#[case("/admin/sessions/0190a5c0-0000-7000-8000-000000000001", "admin.html")]
#[case("/admin/what/nobody/knows", "admin.html")]
#[tokio::test]
async fn every_address_of_a_page_is_the_page(#[case] path: &str, #[case] file: &str) {
    let response = ask(Method::GET, path, &[]).await;
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(value(&response, header::CONTENT_TYPE), "text/html; charset=utf-8");
    assert_eq!(value(&response, header::CACHE_CONTROL), "no-cache");
    let file = std::fs::read(format!("{}/web/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert_eq!(bytes(response).await, file);
}

#[tokio::test]
async fn what_is_no_page_and_no_file_is_not_found_in_json() {
    for path in ["/api/nothing", "/api", "/nothing", "/assets/nothing.js", "/assets/", "/assets/index.html", "/work/x"]
    {
        let response = ask(Method::GET, path, &[]).await;
        assert_eq!(value(&response, header::CONTENT_TYPE), "application/json", "{path}");
        let (status, body) = read(response).await;
        assert_eq!((status, body["error"].as_str()), (404, Some("NOT_FOUND")), "{path}");
    }
}

#[rstest]
#[case::up("/assets/../Cargo.toml")]
#[case::up_escaped("/assets/%2e%2e/Cargo.toml")]
#[case::up_whole_escaped("/assets/%2e%2e%2fsrc%2flib.txt")]
#[case::up_to_a_kind_that_is_served("/assets/..%2fdemo%2fplaced.txt")]
#[case::absolute("/assets//etc/hostname")]
#[case::of_no_kind("/assets/vendor/VENDOR.toml")]
#[case::nul("/assets/shared%00.js")]
#[tokio::test]
async fn nothing_outside_the_pages_is_served(#[case] path: &str) {
    assert_eq!(ask(Method::GET, path, &[]).await.status().as_u16(), 404);
}

#[tokio::test]
async fn every_file_has_a_type_and_its_compressed_form_is_the_file() {
    let paths = asset::paths();
    assert!(paths.len() > 10, "{paths:?}");
    for path in paths.iter().filter(|path| !path.ends_with(".html")) {
        let address = format!("/assets/{path}");
        let plain = ask(Method::GET, &address, &[]).await;
        assert_eq!(plain.status().as_u16(), 200, "{path}");
        assert_eq!(value(&plain, header::CONTENT_ENCODING), "", "{path}");
        assert!(value(&plain, header::CONTENT_TYPE).contains('/'), "{path}");
        let gzip = ask(Method::GET, &address, &[(header::ACCEPT_ENCODING, "br, gzip;q=0.8")]).await;
        let small = value(&gzip, header::CONTENT_ENCODING) == "gzip";
        assert_eq!(value(&gzip, header::VARY), "accept-encoding", "{path}");
        let (tag, other) = (value(&plain, header::ETAG), value(&gzip, header::ETAG));
        assert_eq!(tag != other, small, "{path}: two forms, two tags");
        assert!(tag.starts_with('"') && tag.len() > 30, "{path}: {tag}");
        let (plain, gzip) = (bytes(plain).await, bytes(gzip).await);
        let mut unpacked = Vec::new();
        if small {
            GzDecoder::new(&*gzip).read_to_end(&mut unpacked).unwrap();
            assert!(gzip.len() < plain.len(), "{path}");
        } else {
            unpacked = gzip;
        }
        assert!(plain == unpacked, "{path}");
    }
}

#[rstest]
#[case("gzip", true)]
#[case("GZIP;q=0", false)]
#[case("gzip;q=0", false)]
#[case("gzip;q=0.0, br", false)]
#[case("*", true)]
#[case("br, identity", false)]
#[case("", false)]
#[tokio::test]
async fn a_file_is_compressed_for_those_who_take_it(#[case] takes: &str, #[case] compressed: bool) {
    let response = ask(Method::GET, "/assets/vendor/preact.js", &[(header::ACCEPT_ENCODING, takes)]).await;
    assert_eq!(value(&response, header::CONTENT_ENCODING) == "gzip", compressed);
}

#[tokio::test]
async fn a_browser_that_has_the_file_is_not_sent_it_again() {
    for path in ["/", "/admin", "/assets/vendor/preact.js"] {
        for encoding in ["gzip", "identity"] {
            let encoding = (header::ACCEPT_ENCODING, encoding);
            let tag = value(&ask(Method::GET, path, std::slice::from_ref(&encoding)).await, header::ETAG);
            for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
                let response = ask(Method::GET, path, &[encoding.clone(), (header::IF_NONE_MATCH, &known)]).await;
                assert_eq!(response.status().as_u16(), 304, "{path} {known}");
                assert_eq!(value(&response, header::ETAG), tag);
                assert_eq!(value(&response, header::CACHE_CONTROL), "no-cache");
                assert!(bytes(response).await.is_empty());
            }
            let response = ask(Method::GET, path, &[encoding.clone(), (header::IF_NONE_MATCH, "\"other\"")]).await;
            assert_eq!(response.status().as_u16(), 200, "{path}");
        }
    }
}

#[tokio::test]
async fn head_answers_what_get_would_but_for_the_body() {
    for path in ["/", "/admin/sessions", "/assets/vendor/htm.js", "/assets/nothing.js"] {
        let (get, head) = (ask(Method::GET, path, &[]).await, ask(Method::HEAD, path, &[]).await);
        assert_eq!(get.status(), head.status(), "{path}");
        for name in [header::CONTENT_TYPE, header::ETAG, header::CACHE_CONTROL] {
            assert_eq!(value(&get, name.clone()), value(&head, name), "{path}");
        }
        assert_eq!(value(&head, header::CONTENT_LENGTH), bytes(get).await.len().to_string(), "{path}");
        assert!(bytes(head).await.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_page_lets_nothing_in_from_elsewhere_and_gives_no_cookies_to_caches() {
    use crate::{auth::token::Who, clock::wall_now};
    // given a browser whose token is due to be renewed
    let gateway = gateway();
    let worker = gateway.worker("1001");
    let hours_ago = wall_now().before(std::time::Duration::from_secs(2 * 3_600));
    let (token, _) = gateway.app.auth.tokens().issue(Who::Worker(worker), hours_ago);
    let cookie = format!("andon_worker_{}={token}", worker.0.as_simple());
    let pages = ROUTES.iter().filter(|route| route.page);
    for path in pages.map(|route| route.path.replace("{*path}", "vendor/htm.js").replace(['{', '}', '*'], "")) {
        // when
        let request = Request::get(&path).header(header::COOKIE, &cookie).header("sec-fetch-site", "same-origin");
        let response = gateway.send(request.body(Body::empty()).unwrap()).await;

        // then
        assert_eq!(response.status().as_u16(), 200, "{path}");
        assert_eq!(value(&response, header::SET_COOKIE), "", "{path}");
        let policy = value(&response, header::CONTENT_SECURITY_POLICY);
        let is_document = value(&response, header::CONTENT_TYPE).starts_with("text/html") || path == "/sw.js";
        let parts = ["default-src 'none'", "frame-ancestors 'none'", "script-src 'self';", "connect-src 'self';"];
        for part in if is_document { &parts[..] } else { &parts[..2] } {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert_eq!(value(&response, header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
    }
}
