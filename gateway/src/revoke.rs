//! Signing out: a revocation on the directory's stream, which every gateway holds until the token would have expired.

use std::{convert::Infallible, sync::Arc, time::Duration};

use andon_nats::{Bus, directory::DirectoryView};
use bus_schemas::{
    Actor, Extra, TimeUs,
    directory::{Change, Record},
    records::{Revoked, RevokedWhat},
};

use crate::{
    app::App,
    auth::{
        logins::Logins,
        token::{LIFETIME_MAX, Login, Who},
    },
    clock::wall_now,
    directory::{EditError, edit},
    error::{ApiError, Code},
};

/// Time for a sign-in to revoke what it replaces.
const REPLACED_WITHIN: Duration = Duration::from_secs(1);

/// Makes these logins worth nothing. Renewals of a token carry its id, so all of them fall with it.
///
/// # Errors
/// It cannot be written just now: the tokens are still good.
pub(crate) async fn revoke(app: &App, logins: &[&Arc<Login>]) -> Result<(), ApiError> {
    if logins.is_empty() {
        return Ok(());
    }
    let (bus, view) = app.edits()?;
    for login in logins {
        let actor = match &login.who {
            Who::Worker(id) => Actor::Worker(*id),
            Who::Account { name, .. } => Actor::Admin(name.clone()),
        };
        let what = RevokedWhat::Token(login.id.clone());
        let until = login.first_at.after(LIFETIME_MAX + Duration::from_secs(1));
        put(bus, view, &actor, what, until).await.map_err(|error| {
            tracing::warn!(%error, "a revocation could not be written");
            ApiError::from(Code::Busy)
        })?;
    }
    Ok(())
}

/// The cookie that a sign-in replaces is worth nothing any more. A sign-in does not fail over it, nor wait for long.
pub(crate) async fn revoke_replaced(app: &App, before: &Logins, login: &Login) {
    let is_replaced = |old: &&Arc<Login>| match (&old.who, &login.who) {
        (Who::Worker(old), Who::Worker(new)) => old == new,
        (Who::Account { .. }, Who::Account { .. }) => true,
        _ => false,
    };
    let replaced: Vec<_> = before.all().iter().filter(is_replaced).collect();
    if before.are_by_cookie() && !replaced.is_empty() {
        let _ = tokio::time::timeout(REPLACED_WITHIN, revoke(app, &replaced)).await;
    }
}

/// Makes everything worth nothing that somebody has signed in with until now: after a password was changed, or an
/// account disabled.
///
/// # Errors
/// It cannot be written just now: the tokens are still good.
pub async fn revoke_all(
    bus: &Bus,
    view: &DirectoryView,
    actor: &Actor,
    whose: RevokedWhat,
) -> Result<(), EditError<Infallible>> {
    put(bus, view, actor, whose, wall_now().after(LIFETIME_MAX)).await
}

async fn put(
    bus: &Bus,
    view: &DirectoryView,
    actor: &Actor,
    what: RevokedWhat,
    until_us: TimeUs,
) -> Result<(), EditError<Infallible>> {
    let revoked = Revoked { what, at_us: wall_now(), until_us, extra: Extra::new() };
    let change = Change::Put(Record::Revoked(revoked));
    edit(bus, view, actor, |_| Ok(Some(change.clone()))).await.map(|_| ())
}
