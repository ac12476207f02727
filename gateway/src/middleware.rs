//! What happens around every request: a trace, a time limit, a net for panics, headers for browsers, renewed cookies,
//! measurements.

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use crate::{
    app::App,
    auth::{cookies, logins::Logins, proxies, token::Login},
    clock::wall_now,
    error::{ApiError, Code},
    routes::{admin::close_all, worker::heartbeat},
    telemetry::{self, Trace},
};

/// A whole request, reading its body included.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// Closing 50 000 sessions one by one takes its time.
const CLOSE_ALL_WITHIN: Duration = Duration::from_secs(300);

/// Headers of every answer: nothing here is to be framed, sniffed, or told where people came from.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self'; \
             font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Around every request.
pub async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method() == Method::POST && request.uri().path() == heartbeat::PATH {
        return around_heartbeat(&app, request, next).await;
    }
    let started = Instant::now();
    let origin = allowed_origin(&app, request.headers());
    if request.method() == Method::OPTIONS
        && let Some(origin) = &origin
    {
        return preflight(origin);
    }
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let trace = Trace::continue_from(request.headers().get("traceparent").and_then(|value| value.to_str().ok()));
    let renewal = Renewal::of(&app, &request);
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        route = route.as_deref().unwrap_or("none"),
        trace_id = trace.id(),
        status = tracing::field::Empty
    );
    let within = if request.uri().path() == close_all::PATH { CLOSE_ALL_WITHIN } else { REQUEST_WITHIN };
    let mut response = guarded(request, next, &trace, within).instrument(span.clone()).await;
    span.record("status", response.status().as_u16());
    telemetry::request(route.as_deref().unwrap_or("none"), response.status().as_u16(), started.elapsed());
    if let Some(renewal) = renewal {
        renewal.write(&app, &mut response);
    }
    finish(&mut response, origin);
    response
}

async fn guarded(mut request: Request, next: Next, trace: &Trace, within: Duration) -> Response {
    request.extensions_mut().insert(trace.clone());
    let running = AssertUnwindSafe(next.run(request)).catch_unwind();
    match timeout(within, running).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!(trace_id = trace.id(), "a handler panicked");
            metrics::counter!("andon_gateway_panics_total").increment(1);
            ApiError::internal(trace.id()).into_response()
        }
        Err(_) => ApiError::from(Code::RequestTimeout).into_response(),
    }
}

/// The least that a heartbeat needs: thousands a second pass here.
async fn around_heartbeat(app: &App, request: Request, next: Next) -> Response {
    let origin = allowed_origin(app, request.headers());
    let running = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match timeout(REQUEST_WITHIN, running).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            let trace = Trace::continue_from(None);
            tracing::error!(trace_id = trace.id(), "the heartbeat handler panicked");
            ApiError::internal(trace.id()).into_response()
        }
        Err(_) => ApiError::from(Code::RequestTimeout).into_response(),
    };
    if !response.status().is_success() {
        telemetry::heartbeat_refused(response.status().as_u16());
    }
    if origin.is_some() {
        finish(&mut response, origin);
    }
    response
}

fn finish(response: &mut Response, origin: Option<HeaderValue>) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("andon-token, retry-after"));
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
}

/// The origin of a page on another address that may use cookies here.
fn allowed_origin(app: &App, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    app.settings.origins.names(origin.to_str().ok()?).then(|| origin.clone())
}

fn preflight(origin: &HeaderValue) -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE")),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("content-type, authorization, idempotency-key, if-match, traceparent"),
        ),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
    ];
    let mut response = (crate::error::NO_CONTENT, headers).into_response();
    finish(&mut response, Some(origin.clone()));
    response
}

/// Tokens older than an hour, renewed when the request succeeds: a cookie by a cookie, a bearer token in the header
/// [`RENEWED_TOKEN`].
struct Renewal {
    logins: Logins,
    https: bool,
}

/// Header of an answer: a token with a later end, to be sent as the bearer token from now on.
pub const RENEWED_TOKEN: HeaderName = HeaderName::from_static("andon-token");

impl Renewal {
    fn of(app: &App, request: &Request) -> Option<Self> {
        let headers = request.headers();
        // Pages and their files may lie in caches, where no cookie belongs.
        if !request.uri().path().starts_with("/api/") {
            return None;
        }
        if !headers.contains_key(header::AUTHORIZATION) && cookies::ours(headers).next().is_none() {
            return None;
        }
        let peer = request.extensions().get::<proxies::Peer>().copied();
        let https = proxies::client(peer, request.headers(), &app.settings.trusted_proxies).https;
        Some(Self { logins: Logins::of(request.headers(), &app.auth), https })
    }

    fn write(self, app: &App, response: &mut Response) {
        // A route that sets cookies itself (signing in and out) knows better.
        if !response.status().is_success() || response.headers().contains_key(header::SET_COOKIE) {
            return;
        }
        for login in self.logins.all() {
            renew(app, login, self.logins.are_by_cookie(), self.https, response);
        }
    }
}

/// Renews the token of a login when it is older than an hour, in the way it came.
pub(crate) fn renew(app: &App, login: &Login, by_cookie: bool, https: bool, response: &mut Response) {
    let Some((token, login)) = app.auth.renewed(login) else { return };
    let headers = response.headers_mut();
    if !by_cookie {
        if let Ok(token) = HeaderValue::from_str(&token) {
            headers.insert(RENEWED_TOKEN, token);
        }
    } else if let Some(cookie) = cookies::set(&login, &token, https, wall_now()) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
#[path = "middleware_tests.rs"]
mod tests;
