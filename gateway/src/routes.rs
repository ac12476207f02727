//! The routes: one a file, with what it takes and answers.

pub mod admin;
pub mod authority;
pub mod docs;
pub mod health;
pub mod openapi;
pub mod ready;
pub mod worker;

use axum::Json;

/// The answer of a JSON route, or its error.
pub type Answer<T> = Result<Json<T>, crate::error::ApiError>;

/// `{"ok": true}`.
#[derive(Clone, Copy, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Ok {
    ok: bool,
}

impl Ok {
    /// It is.
    pub const YES: Self = Self { ok: true };
}

/// `{"session": …}`.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct SessionAnswer {
    /// The session after it.
    pub session: crate::records::SessionRecord,
}
