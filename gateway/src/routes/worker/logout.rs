//! `POST /api/workers/logout`: a worker signs out.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bus_schemas::WorkerId;
use http::header;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{cookies, token::Who},
    error::ApiError,
    extract::{Caller, MaybeFields},
    revoke::revoke,
    routes,
};

/// What may be asked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape is read field by field; this documents it")]
pub struct LogoutRequest {
    /// Only this one of the workers signed in on the device; left out: all.
    #[schema(value_type = Option<uuid::Uuid>)]
    worker_id: Option<WorkerId>,
}

/// Signs workers out: their tokens are worth nothing any more, on any gateway.
#[utoipa::path(post, path = "/api/workers/logout", tag = "worker", request_body = Option<LogoutRequest>,
    responses((status = 200, body = routes::Ok)))]
pub async fn logout(State(app): State<App>, caller: Caller, fields: MaybeFields) -> Result<Response, ApiError> {
    let named: Option<WorkerId> = fields.0.parsed("workerId")?;
    let leaving: Vec<_> = caller
        .logins
        .all()
        .iter()
        .filter(|login| match login.who {
            Who::Worker(id) => named.is_none_or(|named| named == id),
            Who::Account { .. } => false,
        })
        .collect();
    let revoked = revoke(&app, &leaving).await;
    let mut response = match revoked {
        Ok(()) => Json(routes::Ok::YES).into_response(),
        // The cookie goes all the same: whoever walks away is signed out on this device.
        Err(error) => error.into_response(),
    };
    for login in leaving {
        if let Some(cookie) = cookies::clear(&login.who, caller.client.https) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}
