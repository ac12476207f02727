//! `POST /api/admin/login`: an account signs in with its password.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bus_schemas::{Actor, audit::AuditAction};
use http::header;
use persistence::{Account, AccountError};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    audit,
    auth::{
        cookies, throttle_now,
        token::{Login, Who},
    },
    clock::wall_now,
    error::{ApiError, Code},
    extract::{Caller, Fields, TextKind},
    records::Time,
    revoke::revoke_replaced,
};

/// Longer names are nobody's.
const NAME_MAX_CHARS: usize = 200;

/// What is asked.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape is read field by field; this documents it")]
pub struct AccountLoginRequest {
    /// The account's name.
    account: String,
    /// Its password.
    password: String,
}

/// An account as it is shown to itself.
#[derive(Serialize, ToSchema)]
pub struct AccountRecord {
    name: Box<str>,
    role: &'static str,
    /// Limited to these stations; null: all.
    stations: Option<Vec<Uuid>>,
}

/// The answer; the cookie holds the same token.
#[derive(Serialize, ToSchema)]
pub struct AccountAnswer {
    /// Who is signed in.
    pub account: AccountRecord,
    /// For `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
}

impl AccountRecord {
    /// The account of a login; none for a worker's.
    #[must_use]
    pub fn of(login: &Login) -> Option<Self> {
        match &login.who {
            Who::Account { name, role, stations } => Some(Self {
                name: name.clone(),
                role: role.as_str(),
                stations: stations.as_ref().map(|stations| stations.iter().map(|id| id.0).collect()),
            }),
            Who::Worker(_) => None,
        }
    }
}

/// Signs an account in.
#[utoipa::path(post, path = "/api/admin/login", tag = "admin", request_body = AccountLoginRequest,
    responses((status = 200, body = AccountAnswer), (status = 404, description = "NOT_FOUND"),
        (status = 429, description = "TOO_MANY_ATTEMPTS"), (status = 503, description = "ACCOUNTS_UNAVAILABLE")))]
pub async fn login(State(app): State<App>, caller: Caller, fields: Fields) -> Result<Response, ApiError> {
    let name = fields.text("account", NAME_MAX_CHARS, TextKind::Line)?;
    let password = fields.secret("password")?;
    let (Some(name), Some(password)) = (name, password) else {
        return Err(ApiError::payload("account and password are needed"));
    };
    let address = caller.client.address;
    app.auth
        .account_throttle
        .lock()
        .attempt(address, throttle_now())
        .map_err(|wait| ApiError::from(Code::TooManyAttempts).retry_after(wait))?;
    let account = match verify(&app, &name, &password).await {
        Ok(Some(account)) => account,
        // Unknown, wrong or disabled: one answer.
        Ok(None) => {
            crate::telemetry::login("account", "refused");
            return Err(ApiError::new(Code::NotFound, "there is no such account with this password"));
        }
        Err(error) => {
            app.auth.account_throttle.lock().undecided(address);
            return Err(error);
        }
    };
    app.auth.account_throttle.lock().succeeded(address, throttle_now());
    crate::telemetry::login("account", "ok");
    let name = account.name.clone();
    let (token, login) = app.auth.sign_in(who(account), None).await;
    revoke_replaced(&app, &caller.logins, &login).await;
    audit::note(&app, &Actor::Admin(name.as_str().into()), AuditAction::SignIn, &name, None).await;
    answer(&login, token, caller.client.https).ok_or_else(|| ApiError::internal(caller.trace.id()))
}

async fn verify(app: &App, name: &str, password: &str) -> Result<Option<Account>, ApiError> {
    match app.store(Code::AccountsUnavailable)?.verify_password(name, password).await {
        Ok(account) => Ok(account),
        Err(AccountError::Busy) => Err(Code::Busy.into()),
        Err(error) => {
            tracing::warn!(%error, "accounts cannot be read");
            Err(Code::AccountsUnavailable.into())
        }
    }
}

fn who(account: Account) -> Who {
    Who::Account {
        name: account.name.into(),
        role: account.role,
        stations: account.stations.map(Vec::into_boxed_slice),
    }
}

/// Answers with a token and its cookie.
#[must_use]
pub fn answer(login: &Login, token: String, https: bool) -> Option<Response> {
    let cookie = cookies::set(login, &token, https, wall_now())?;
    let account = AccountRecord::of(login)?;
    let answer = AccountAnswer { account, token: Some(token), expires_at: Time(login.expires_at) };
    let mut response = Json(answer).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Some(response)
}
