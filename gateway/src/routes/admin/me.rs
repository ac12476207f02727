//! `GET /api/admin/me`: which account is signed in.

use axum::Json;
use persistence::Role;

use super::login::{AccountAnswer, AccountRecord};
use crate::{error::Code, extract::Signed, records::Time, routes::Answer};

/// The account signed in.
#[utoipa::path(get, path = "/api/admin/me", tag = "admin", responses((status = 200, body = AccountAnswer)))]
pub async fn me(Signed(caller): Signed) -> Answer<AccountAnswer> {
    let account = caller.logins.account(Role::Viewer)?;
    let record = AccountRecord::of(&account.login).ok_or(Code::Forbidden)?;
    Ok(Json(AccountAnswer { account: record, token: None, expires_at: Time(account.login.expires_at) }))
}
