//! `POST /api/workers/login`: a worker signs in with a code.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bus_schemas::limits::WORKER_CODE_MAX_CHARS;
use http::{HeaderMap, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{
        cookies, throttle_now,
        token::{Login, Who},
    },
    clock::wall_now,
    error::{ApiError, Code},
    extract::{Caller, Fields, TextKind},
    records::{Time, WorkerRecord},
    revoke::revoke_replaced,
};

/// What is asked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct LoginRequest {
    /// What the worker types.
    worker_code: String,
}

/// The answer; the cookie holds the same token.
#[derive(Serialize, ToSchema)]
pub struct LoginAnswer {
    worker: WorkerRecord,
    token: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
}

impl LoginRequest {
    fn read(fields: &Fields) -> Result<Self, ApiError> {
        let worker_code = fields.text("workerCode", WORKER_CODE_MAX_CHARS, TextKind::Line)?;
        Ok(Self { worker_code: worker_code.ok_or(Code::WorkerCodeRequired)? })
    }
}

/// Signs a worker in.
#[utoipa::path(post, path = "/api/workers/login", tag = "worker", request_body = LoginRequest,
    responses((status = 200, body = LoginAnswer), (status = 400, description = "WORKER_CODE_REQUIRED"),
        (status = 403, description = "DEVICE_NOT_ENROLLED"),
        (status = 404, description = "NOT_FOUND"), (status = 429, description = "TOO_MANY_ATTEMPTS")))]
pub async fn login(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, ApiError> {
    let request = LoginRequest::read(&fields)?;
    let device = app.auth.device(&headers);
    if app.settings.require_enrolled_device && device.is_none() {
        return Err(Code::DeviceNotEnrolled.into());
    }
    let address = caller.client.address;
    app.auth
        .worker_throttle
        .lock()
        .attempt(address, throttle_now())
        .map_err(|wait| ApiError::from(Code::TooManyAttempts).retry_after(wait))?;
    let directory = app.directory();
    let worker = directory.worker_by_code(&request.worker_code).filter(|stored| stored.record.is_active);
    let Some(worker) = worker else {
        crate::telemetry::login("worker", "refused");
        if app.directory.is_current() {
            return Err(Code::NotFound.into());
        }
        // A directory that lags may not know a new code yet.
        app.auth.worker_throttle.lock().undecided(address);
        return Err(Code::Busy.into());
    };
    app.auth.worker_throttle.lock().succeeded(address, throttle_now());
    crate::telemetry::login("worker", "ok");
    let (token, login) = app.auth.sign_in(Who::Worker(worker.record.id), device).await;
    revoke_replaced(&app, &caller.logins, &login).await;
    let answer = LoginAnswer {
        worker: WorkerRecord::of(&worker.record, &directory),
        token: token.clone(),
        expires_at: Time(login.expires_at),
    };
    let mut response = Json(answer).into_response();
    set_cookies(&mut response, &app, &headers, &login, &token, caller.client.https);
    let held = device.and_then(|device| cookies::set_device(&app.auth.tokens().of_device(device), caller.client.https));
    if let Some(cookie) = held {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Sets the cookie, and takes away those of the workers who signed in first, when there are too many.
fn set_cookies(response: &mut Response, app: &App, headers: &HeaderMap, login: &Login, token: &str, https: bool) {
    let mut others: Vec<_> = cookies::ours(headers)
        .map(|(name, token)| (name, app.auth.check(token)))
        .filter(|(_, other)| {
            other.as_ref().is_none_or(|other| matches!(other.who, Who::Worker(_)) && other.who != login.who)
        })
        .collect();
    // Cookies that are worth nothing go first, then the oldest.
    others.sort_by_key(|(_, other)| other.as_ref().map(|other| other.first_at));
    let surplus = (others.len() + 1).saturating_sub(cookies::WORKERS_MAX);
    let cleared = others.iter().take(surplus).filter_map(|(name, _)| cookies::clear_named(name, https));
    for cookie in cleared.chain(cookies::set(login, token, https, wall_now())) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
