//! Signing out: a revocation on the directory's stream, which every gateway holds until the token would have expired.

use std::{sync::Arc, time::Duration};

use bus_schemas::{
    Actor, Extra,
    directory::{Change, Record},
    records::{Revoked, RevokedWhat},
};

use crate::{
    app::App,
    auth::token::{LIFETIME_MAX, Login, Who},
    clock::wall_now,
    directory::{EditError, edit},
    error::{ApiError, Code},
};

/// Makes these logins worth nothing. Renewals of a token carry its id, so all of them fall with it.
///
/// # Errors
/// It cannot be written just now: the tokens are still good.
pub async fn revoke(app: &App, logins: &[&Arc<Login>]) -> Result<(), ApiError> {
    if logins.is_empty() {
        return Ok(());
    }
    let (bus, view) = app.edits()?;
    for login in logins {
        let revoked = Revoked {
            what: RevokedWhat::Token(login.id.clone()),
            at_us: wall_now(),
            until_us: login.first_at.after(LIFETIME_MAX + Duration::from_secs(1)),
            extra: Extra::new(),
        };
        let actor = match &login.who {
            Who::Worker(id) => Actor::Worker(*id),
            Who::Account { name, .. } => Actor::Admin(name.clone()),
        };
        let change = Change::Put(Record::Revoked(revoked));
        let made = edit(bus, view, &actor, |_| Ok::<_, std::convert::Infallible>(Some(change.clone()))).await;
        made.map_err(|error: EditError<_>| {
            tracing::warn!(%error, "a revocation could not be written");
            ApiError::from(Code::Busy)
        })?;
    }
    Ok(())
}
