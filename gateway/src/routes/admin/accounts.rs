//! `/api/admin/accounts`: who may watch and administer.
//!
//! A change of an account ends whatever it is signed in with, on every gateway: a token says what its account may do.

use axum::{
    Json,
    extract::{Path, State},
};
use bus_schemas::{Actor, StationId, audit::AuditAction, limits::NAME_MAX_CHARS, records::RevokedWhat};
use persistence::{Account, AccountChange, AccountError, NewAccount, Role};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    audit,
    auth::logins::AccountLogin,
    error::{ApiError, Code},
    extract::{Fields, Signed, TextKind},
    records::Time,
    revoke::revoke_all,
    routes::Answer,
};

/// Stations that an account may be limited to: they are carried in its token, which is carried in a header.
const STATIONS_MAX: usize = 50;

/// A new account.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape is read field by field; this documents it")]
pub struct NewAccountRequest {
    /// Its name: unique, whatever the case.
    account: String,
    /// 8 characters or more.
    password: String,
    /// `viewer`, `supervisor` or `admin`.
    role: String,
    /// Limits it to these stations, 50 at most; left out: all.
    stations: Option<Vec<Uuid>>,
}

/// What changes of an account; what is left out stays.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape is read field by field; this documents it")]
pub struct AccountChangeRequest {
    /// `viewer`, `supervisor` or `admin`.
    role: Option<String>,
    /// Whether it may sign in.
    is_active: Option<bool>,
    /// Limits it to these stations.
    stations: Option<Vec<Uuid>>,
    /// Lifts the limit.
    all_stations: Option<bool>,
    /// Its new password.
    password: Option<String>,
}

/// An account, as admins see it.
#[derive(Serialize, ToSchema)]
pub struct AccountDetails {
    name: String,
    role: &'static str,
    is_active: bool,
    /// Limited to these stations; null: all.
    stations: Option<Vec<Uuid>>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
    #[schema(value_type = String, format = DateTime)]
    password_changed_at: Time,
}

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct AccountsAnswer {
    accounts: Vec<AccountDetails>,
}

/// The answer about one.
#[derive(Serialize, ToSchema)]
pub struct OneAccountAnswer {
    account: AccountDetails,
}

impl From<Account> for AccountDetails {
    fn from(account: Account) -> Self {
        Self {
            name: account.name,
            role: account.role.as_str(),
            is_active: account.is_active,
            stations: account.stations.map(|stations| stations.into_iter().map(|id| id.0).collect()),
            created_at: Time(account.created_at_us),
            updated_at: Time(account.updated_at_us),
            password_changed_at: Time(account.password_changed_at_us),
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::BadName(_) | AccountError::BadPassword => Self::payload(error.to_string()),
            AccountError::Exists => Code::AccountExists.into(),
            AccountError::NotFound => Code::NotFound.into(),
            AccountError::LastAdmin => Code::LastAdmin.into(),
            AccountError::Busy => Code::Busy.into(),
            AccountError::Store(_) | AccountError::Hash(_) => {
                tracing::warn!(%error, "accounts cannot be read or changed");
                Code::AccountsUnavailable.into()
            }
        }
    }
}

fn role(fields: &Fields) -> Result<Option<Role>, ApiError> {
    let Some(text) = fields.text("role", NAME_MAX_CHARS, TextKind::Line)? else { return Ok(None) };
    Role::parse(&text).map(Some).ok_or_else(|| ApiError::payload("role is viewer, supervisor or admin"))
}

fn stations(app: &App, fields: &Fields) -> Result<Option<Vec<StationId>>, ApiError> {
    let Some(stations) = fields.ids::<StationId>("stations", STATIONS_MAX)? else { return Ok(None) };
    let directory = app.directory();
    match stations.iter().find(|id| directory.station(**id).is_none()) {
        Some(id) => Err(ApiError::payload(format!("there is no station {id}"))),
        None => Ok(Some(stations)),
    }
}

/// Every account, by name.
#[utoipa::path(get, path = "/api/admin/accounts", tag = "admin",
    responses((status = 200, body = AccountsAnswer), (status = 503, description = "ACCOUNTS_UNAVAILABLE")))]
pub async fn list(State(app): State<App>, Signed(caller): Signed) -> Answer<AccountsAnswer> {
    caller.logins.whole_factory(Role::Admin)?;
    let accounts = app.store(Code::AccountsUnavailable)?.accounts().await.map_err(AccountError::from)?;
    Ok(Json(AccountsAnswer { accounts: accounts.into_iter().map(Into::into).collect() }))
}

/// Makes an account.
#[utoipa::path(post, path = "/api/admin/accounts", tag = "admin", request_body = NewAccountRequest,
    responses((status = 200, body = OneAccountAnswer), (status = 409, description = "ACCOUNT_EXISTS"),
        (status = 503, description = "ACCOUNTS_UNAVAILABLE")))]
pub async fn create(State(app): State<App>, Signed(caller): Signed, fields: Fields) -> Answer<OneAccountAnswer> {
    let by = caller.logins.whole_factory(Role::Admin)?;
    let needed = |name: &str| ApiError::payload(format!("{name} is needed"));
    let new = NewAccount {
        name: fields.text("account", NAME_MAX_CHARS, TextKind::Line)?.ok_or_else(|| needed("account"))?,
        password: fields.secret("password")?.ok_or_else(|| needed("password"))?,
        role: role(&fields)?.ok_or_else(|| needed("role"))?,
        stations: stations(&app, &fields)?,
    };
    let account = app.store(Code::AccountsUnavailable)?.create_account(&new).await?;
    let told = told(&AccountChange { role: Some(account.role), is_active: None, stations: Some(new.stations) });
    audit::note(&app, &by.actor(), AuditAction::CreateAccount, &account.name, Some(&told)).await;
    Ok(Json(OneAccountAnswer { account: account.into() }))
}

/// Changes an account, and ends whatever it is signed in with.
#[utoipa::path(patch, path = "/api/admin/accounts/{name}", tag = "admin", params(("name" = String, Path)),
    request_body = AccountChangeRequest,
    responses((status = 200, body = OneAccountAnswer), (status = 404, description = "NOT_FOUND"),
        (status = 409, description = "LAST_ADMIN"), (status = 503, description = "ACCOUNTS_UNAVAILABLE, BUSY")))]
pub async fn change(
    State(app): State<App>,
    Signed(caller): Signed,
    Path(name): Path<String>,
    fields: Fields,
) -> Answer<OneAccountAnswer> {
    let by = caller.logins.whole_factory(Role::Admin)?;
    // A name that cannot be one is nobody's.
    bus_schemas::text::check_line(&name, NAME_MAX_CHARS).map_err(|_| Code::NotFound)?;
    let limit = match (stations(&app, &fields)?, fields.flag("all_stations")?.unwrap_or(false)) {
        (Some(_), true) => return Err(ApiError::payload("stations and all_stations exclude each other")),
        (Some(stations), false) => Some(Some(stations)),
        (None, true) => Some(None),
        (None, false) => None,
    };
    let change = AccountChange { role: role(&fields)?, is_active: fields.flag("is_active")?, stations: limit };
    let password = fields.secret("password")?;
    let changes = change.role.is_some() || change.is_active.is_some() || change.stations.is_some();
    if !changes && password.is_none() {
        return Err(ApiError::payload(
            "nothing is to change: name role, is_active, stations, all_stations or password",
        ));
    }
    let store = app.store(Code::AccountsUnavailable)?;
    if let Some(password) = &password {
        store.set_password(&name, password).await?;
    }
    let account = match changes {
        true => store.change_account(&name, &change).await?,
        false => store.account(&name).await.map_err(AccountError::from)?.ok_or(Code::NotFound)?,
    };
    if password.is_some() {
        audit::note(&app, &by.actor(), AuditAction::SetPassword, &account.name, None).await;
    }
    if changes {
        audit::note(&app, &by.actor(), AuditAction::ChangeAccount, &account.name, Some(&told(&change))).await;
    }
    sign_out_everywhere(&app, &by, &account.name).await?;
    Ok(Json(OneAccountAnswer { account: account.into() }))
}

async fn sign_out_everywhere(app: &App, by: &AccountLogin, name: &str) -> Result<(), ApiError> {
    let (bus, view) = app.edits()?;
    let actor: Actor = by.actor();
    revoke_all(bus, view, &actor, RevokedWhat::Account(name.into())).await.map_err(|error| {
        tracing::warn!(%error, "an account was changed, and what it is signed in with could not be revoked");
        ApiError::new(
            Code::Busy,
            "the account was changed, but what it is signed in with could not be ended yet: send it again",
        )
    })
}

/// What changed, for the audit.
fn told(change: &AccountChange) -> String {
    let role = change.role.map(|role| format!("role {}", role.as_str()));
    let active = change.is_active.map(|active| if active { "active" } else { "disabled" }.to_owned());
    let stations = change.stations.as_ref().map(|stations| match stations {
        None => "all stations".to_owned(),
        Some(stations) => {
            let ids: Vec<_> = stations.iter().map(ToString::to_string).collect();
            format!("stations [{}]", ids.join(" "))
        }
    });
    [role, active, stations].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
