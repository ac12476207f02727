//! `POST /api/admin/refresh`: a later end for the token, without the password.

use axum::{extract::State, response::Response};
use persistence::Role;

use super::login::{AccountAnswer, answer};
use crate::{
    app::App,
    clock::wall_now,
    error::{ApiError, Code},
    extract::{MaybeFields, Signed},
};

/// Renews the token, until 7 days after the signing in.
#[utoipa::path(post, path = "/api/admin/refresh", tag = "admin",
    responses((status = 200, body = AccountAnswer), (status = 401, description = "LOGIN_REQUIRED")))]
pub async fn refresh(State(app): State<App>, Signed(caller): Signed, _: MaybeFields) -> Result<Response, ApiError> {
    let account = caller.logins.account(Role::Viewer)?;
    // The rights may have changed since; accounts that cannot be read just now keep theirs until the token ends.
    let now = app.store(Code::AccountsUnavailable)?.account(&account.name).await.map_err(|error| {
        tracing::warn!(%error, "accounts cannot be read");
        ApiError::from(Code::AccountsUnavailable)
    })?;
    let same = |known: &persistence::Account| {
        known.is_active && known.role == account.role && known.stations.as_deref() == account.stations.as_deref()
    };
    if !now.as_ref().is_some_and(same) {
        return Err(Code::LoginRequired.into());
    }
    let (token, login) = app.auth.tokens().renew(&account.login, wall_now()).ok_or_else(|| {
        ApiError::new(Code::LoginRequired, "seven days are over, or the token is as new as can be: sign in")
    })?;
    app.view.feed.renewed(&login);
    answer(&login, token, caller.client.https).ok_or_else(|| ApiError::internal(caller.trace.id()))
}
