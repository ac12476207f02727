//! `POST /api/admin/logout`: an account signs out.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bus_schemas::{Actor, audit::AuditAction};
use http::header;

use crate::{
    app::App,
    audit,
    auth::{cookies, token::Who},
    error::ApiError,
    extract::{Caller, MaybeFields},
    revoke::revoke,
    routes,
};

/// Signs the account out: its token is worth nothing any more, on any gateway.
#[utoipa::path(post, path = "/api/admin/logout", tag = "admin", responses((status = 200, body = routes::Ok)))]
pub async fn logout(State(app): State<App>, caller: Caller, _: MaybeFields) -> Result<Response, ApiError> {
    let is_account = |who: &Who| matches!(who, Who::Account { .. });
    let leaving: Vec<_> = caller.logins.all().iter().filter(|login| is_account(&login.who)).collect();
    let mut response = match revoke(&app, &leaving).await {
        Ok(()) => Json(routes::Ok::YES).into_response(),
        Err(error) => error.into_response(),
    };
    for login in leaving {
        if let Who::Account { name, .. } = &login.who {
            audit::note(&app, &Actor::Admin(name.clone()), AuditAction::SignOut, name, None).await;
        }
        if let Some(cookie) = cookies::clear(&login.who, caller.client.https) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}
