//! Who asks, from where, in which trace, and with which command id.

use axum::extract::FromRequestParts;
use bus_schemas::CommandId;
use http::{Method, request};

use crate::{
    app::App,
    auth::{
        cookies,
        logins::Logins,
        proxies::{Client, Peer, client},
    },
    error::{ApiError, Code},
    telemetry::Trace,
};

/// The header that makes a command safe to repeat.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Who asks. Taking it checks that a request with a cookie comes from one of our own pages.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The valid logins.
    pub logins: Logins,
    /// Where the request comes from.
    pub client: Client,
    /// Its trace.
    pub trace: Trace,
    /// `Idempotency-Key`.
    pub command_id: Option<CommandId>,
}

impl Caller {
    /// Who asks, by the head of a request.
    ///
    /// # Errors
    /// A page of another site; an `Idempotency-Key` that is none.
    pub fn of(parts: &request::Parts, app: &App) -> Result<Self, ApiError> {
        check_origin(parts, app)?;
        let command_id = match parts.headers.get(IDEMPOTENCY_KEY) {
            Some(value) => {
                let text = value.to_str().map_err(|_| ApiError::payload("Idempotency-Key must be visible ASCII"))?;
                let text = bus_schemas::text::present(text);
                text.map(str::parse).transpose().map_err(|error| ApiError::payload(format!("{error}")))?
            }
            None => None,
        };
        Ok(Self {
            logins: Logins::of(&parts.headers, &app.auth),
            client: client(parts.extensions.get::<Peer>().copied(), &parts.headers, &app.settings.trusted_proxies),
            trace: parts.extensions.get::<Trace>().cloned().unwrap_or_else(|| Trace::continue_from(None)),
            command_id,
        })
    }
}

/// A request with a cookie that changes something must come from one of our own pages.
///
/// # Errors
/// It does not.
pub fn check_origin(parts: &request::Parts, app: &App) -> Result<(), ApiError> {
    let reads = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    // A browser adds a cookie by itself, but never a bearer token.
    let by_cookie = !parts.headers.contains_key(http::header::AUTHORIZATION);
    let cookies = cookies::ours(&parts.headers).next().is_some() || cookies::of_device(&parts.headers).is_some();
    if reads || !by_cookie || !cookies {
        return Ok(());
    }
    if app.settings.origins.accept(&parts.headers) { Ok(()) } else { Err(Code::OriginRefused.into()) }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut request::Parts, app: &App) -> Result<Self, ApiError> {
        Self::of(parts, app)
    }
}

/// Somebody who is signed in: refused before the body is looked at.
#[derive(Clone, Debug)]
pub struct Signed(pub Caller);

impl FromRequestParts<App> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut request::Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::of(parts, app)?;
        caller.logins.any()?;
        Ok(Self(caller))
    }
}
