//! `GET /api/admin/audit`: what accounts did, newest first.

use axum::{Json, extract::State};
use persistence::{
    Role,
    audit::{AuditFilter, AuditRow, Place},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    acting::history_error,
    app::App,
    error::{ApiError, Code},
    extract::{Params, Signed},
    records::Time,
    routes::Answer,
};

/// Entries on a page when nobody says how many.
const PAGE: u32 = 50;

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct AuditAnswer {
    entries: Vec<AuditRecord>,
    /// For the next page; null on the last one.
    next_cursor: Option<String>,
}

/// One thing that was done.
#[derive(Serialize, ToSchema)]
pub struct AuditRecord {
    /// Sequence on the stream ANDON_DIRECTORY.
    sequence: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Time,
    /// Who: `admin:<account>`, `worker:<id>` or `system`.
    actor: String,
    /// What: `put`, `remove`, `import`, `sign_in`, `close_session` ….
    action: String,
    /// To what kind of thing.
    kind: String,
    /// To which.
    record_id: String,
    /// What else is worth knowing.
    detail: Option<String>,
}

impl From<AuditRow> for AuditRecord {
    fn from(row: AuditRow) -> Self {
        let AuditRow { seq, at_us, actor, action, kind, record_id, detail, .. } = row;
        Self { sequence: seq, at: Time(at_us), actor, action, kind, record_id, detail }
    }
}

/// What accounts did: edits of records, sign-ins, closes, changes of accounts. From Postgres: up to a second behind.
#[utoipa::path(get, path = "/api/admin/audit", tag = "admin",
    params(("actor" = Option<String>, Query, description = "admin:<account>, worker:<id> or system"),
        ("kind" = Option<String>, Query), ("id" = Option<String>, Query, description = "of what it was done to"),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("limit" = Option<u32>, Query, description = "50, at most 200"), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = AuditAnswer), (status = 503, description = "HISTORY_UNAVAILABLE")))]
pub async fn audit(State(app): State<App>, Signed(caller): Signed, params: Params) -> Answer<AuditAnswer> {
    caller.logins.whole_factory(Role::Admin)?;
    let text = |name: &str| params.text(name).map(|value| value.map(str::to_owned));
    let filter = AuditFilter {
        actor: text("actor")?,
        kind: text("kind")?,
        record_id: text("id")?,
        from_us: params.time("from")?,
        to_us: params.time("to")?,
        after: params.text("cursor")?.map(read_cursor).transpose()?,
        limit: params.parsed("limit")?.unwrap_or(PAGE),
    };
    let (rows, next) = app.store(Code::HistoryUnavailable)?.audit(&filter).await.map_err(history_error)?;
    Ok(Json(AuditAnswer {
        entries: rows.into_iter().map(Into::into).collect(),
        next_cursor: next.map(|(seq, ordinal)| format!("{seq}.{ordinal}")),
    }))
}

fn read_cursor(text: &str) -> Result<Place, ApiError> {
    let read = || {
        let (seq, ordinal) = text.split_once('.')?;
        Some((seq.parse().ok()?, ordinal.parse().ok()?))
    };
    read().ok_or_else(|| ApiError::payload("this is no cursor: use the next_cursor of the page before, unchanged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_place_and_nothing_else_is() {
        assert_eq!(read_cursor("18446744073709551615.4294967295").unwrap(), (u64::MAX, u32::MAX));
        for bad in ["", ".", "1", "1.", "-1.0", "1.0.0", "x.y"] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
