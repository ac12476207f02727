//! Tests of what happens around every request: renewed tokens, headers, slow bodies.

use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use bus_schemas::{Refusal, RefusalCode, Reply};
use http::{Request, header};
use rstest::rstest;
use serde_json::json;

use super::RENEWED_TOKEN;
use crate::{
    auth::token::Who,
    clock::wall_now,
    router::{ROUTES, Takes},
    test_gateway::{TestGateway, read},
};

fn gateway() -> TestGateway {
    TestGateway::new(|_| Reply::Refused(Box::new(Refusal::new(RefusalCode::NotFound, "there is none"))))
}

#[rstest]
#[case::new(Duration::from_secs(60), false)]
#[case::older_than_an_hour(Duration::from_secs(2 * 3_600), true)]
#[tokio::test]
async fn a_token_is_renewed_on_use_in_the_way_it_came(#[case] age: Duration, #[case] renewed: bool) {
    // given a worker at work who signed in some time ago
    let gateway = gateway();
    let worker = gateway.worker("1001");
    let session = gateway.open_session(worker, 10);
    let (token, _) = gateway.app.auth.tokens().issue(Who::Worker(worker), wall_now().before(age));
    let name = format!("andon_worker_{}", worker.0.as_simple());
    for path in ["/api/reasons", "/api/sessions/heartbeat"] {
        let body = || Body::from(json!({"sessionId": session.id.0}).to_string());
        let method = if path.ends_with("heartbeat") { "POST" } else { "GET" };
        let request = || Request::builder().method(method).uri(path).header("sec-fetch-site", "same-origin");

        // when the token comes as a bearer token, and as a cookie
        let bearer = request().header(header::AUTHORIZATION, format!("Bearer {token}"));
        let by_bearer = gateway.send(bearer.body(body()).unwrap()).await;
        let cookie = request().header(header::COOKIE, format!("{name}={token}"));
        let by_cookie = gateway.send(cookie.body(body()).unwrap()).await;

        // then the new one goes back the same way, and is good
        assert_eq!((by_bearer.status().as_u16(), by_cookie.status().as_u16()), (200, 200), "{path}");
        let in_header = by_bearer.headers().get(RENEWED_TOKEN).map(|value| value.to_str().unwrap().to_owned());
        let in_cookie = by_cookie.headers().get(header::SET_COOKIE).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((in_header.is_some(), in_cookie.is_some()), (renewed, renewed), "{path}");
        assert!(
            !by_bearer.headers().contains_key(header::SET_COOKIE) && !by_cookie.headers().contains_key(RENEWED_TOKEN)
        );
        if let Some(token) = in_header {
            assert_eq!(gateway.get("/api/reasons", &token).await.0, 200);
        }
        assert!(in_cookie.is_none_or(|cookie| cookie.starts_with(&format!("{name}="))));
    }
}

#[tokio::test]
async fn a_token_is_not_renewed_by_a_request_that_fails() {
    let gateway = gateway();
    let (token, _) = gateway
        .app
        .auth
        .tokens()
        .issue(Who::Worker(gateway.worker("1001")), wall_now().before(Duration::from_secs(7_200)));
    let request = Request::get("/api/admin/me").header(header::AUTHORIZATION, format!("Bearer {token}"));
    let response = gateway.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status().as_u16(), 403);
    assert!(!response.headers().contains_key(RENEWED_TOKEN));
}

/// Fault 28: a body trickles in.
#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_given_ten_seconds_on_every_route() {
    let gateway = gateway();
    let token = gateway.token(gateway.worker("1001"));
    for route in ROUTES.iter().filter(|route| !matches!(route.takes, Takes::Nothing | Takes::Toml)) {
        // given a body of which a byte comes every second, without end
        let trickle = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, Infallible>(" "), ()))
        });
        let path = route.path.replace("{id}", "x").replace("{kind}", "worker").replace("{name}", "x");
        let request = Request::builder()
            .method(route.method.clone())
            .uri(&path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, "0");

        // when
        let started = tokio::time::Instant::now();
        let response = gateway.send(request.body(Body::from_stream(trickle)).unwrap()).await;

        // then it is given up, and the connection with it
        assert!(started.elapsed() <= Duration::from_millis(10_500), "{path}: {:?}", started.elapsed());
        if response.status().as_u16() == 408 {
            assert_eq!(response.headers()[header::CONNECTION], "close");
        } else {
            // Refused by who asks before the body is looked at.
            let (status, body) = read(response).await;
            assert!((400..500).contains(&status), "{path} {status} {body}");
        }
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_what_not_to_do() {
    let gateway = gateway();
    for route in ROUTES.iter().filter(|route| route.takes != Takes::Beacon) {
        let path = route.path.replace("{id}", "x").replace("{kind}", "worker").replace("{name}", "x");
        let request = Request::builder().method(route.method.clone()).uri(&path).body(Body::empty()).unwrap();
        let response = gateway.send(request).await;
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
    }
}
