//! Who is asking: tokens, cookies, revocations, and the brakes on guessing.
//!
//! A worker signs in with a code and acts on own sessions only; an account signs in with a password and has a role.
//! `Authorization: Bearer` works everywhere; a browser holds one cookie per signed-in worker.

pub mod cookies;
pub mod logins;
pub mod origin;
pub mod proxies;
mod revoked;
pub mod throttle;
pub mod token;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bus_schemas::{DeviceId, TimeUs, WorkerId, directory::Directory};
use http::HeaderMap;
use parking_lot::{Mutex, RwLock};

use crate::{clock::wall_now, directory::Source, live_view::Sessions};
use revoked::RevokedIndex;
use throttle::Throttle;
use token::{Login, Tokens, Who};

/// Verified tokens remembered: checking a signature costs more than everything else in a heartbeat.
const CACHE_SHARDS: usize = 16;
/// Tokens in one shard; beyond it the shard starts anew.
const CACHE_SHARD_MAX: usize = 4_096;
/// Longer than any token of ours.
const TOKEN_MAX_BYTES: usize = 4_096;

/// A token renewed on use, when it is older than this.
const RENEW_AFTER: Duration = Duration::from_secs(3_600);

/// How often a sign-in looks whether the second of a revocation is over: three seconds in all, for clocks that differ.
const SIGN_IN_TRIES: u32 = 30;
const SIGN_IN_PAUSE: Duration = Duration::from_millis(100);

/// Checks and makes logins.
pub struct Auth {
    tokens: Tokens,
    directory: Source,
    sessions: Arc<Sessions>,
    cache: [RwLock<HashMap<Box<str>, Arc<Login>>>; CACHE_SHARDS],
    revoked: ArcSwap<RevokedIndex>,
    /// Brakes on worker codes and on passwords: apart, so that one cannot hold up the other.
    pub worker_throttle: Mutex<Throttle>,
    /// See above.
    pub account_throttle: Mutex<Throttle>,
}

impl Auth {
    /// Signs with this secret, the same for all gateways.
    #[must_use]
    pub fn new(secret: &[u8], directory: Source, sessions: Arc<Sessions>) -> Self {
        Self {
            tokens: Tokens::new(secret),
            directory,
            sessions,
            cache: std::array::from_fn(|_| RwLock::default()),
            revoked: ArcSwap::from_pointee(RevokedIndex::default()),
            worker_throttle: Mutex::new(Throttle::default()),
            account_throttle: Mutex::new(Throttle::default()),
        }
    }

    /// Signs tokens.
    #[must_use]
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The login this token proves, when it is ours, not expired and not revoked. A disabled worker's token is good for
    /// the session that runs, until it closes.
    #[must_use]
    pub fn check(&self, token: &str) -> Option<Arc<Login>> {
        let login = self.verified(token)?;
        let directory = self.directory.load();
        let good = wall_now() < login.expires_at && !self.is_revoked(&login, &directory);
        let counts = match login.who {
            Who::Worker(id) => self.may_work(id, &directory),
            Who::Account { .. } => true,
        };
        let counts = counts && login.device.is_none_or(|device| self.is_enrolled(device, &directory));
        (good && counts).then_some(login)
    }

    /// Whether a login that was good has not been revoked meanwhile. Its expiry is not judged.
    #[must_use]
    pub fn holds(&self, login: &Login) -> bool {
        !self.is_revoked(login, &self.directory.load())
    }

    fn may_work(&self, worker: WorkerId, directory: &Directory) -> bool {
        match directory.worker(worker) {
            Some(stored) if stored.record.is_active => true,
            // A directory that is still being read does not know anybody.
            None if !self.directory.is_current() => true,
            Some(_) | None => self.sessions.of_worker(worker).is_some(),
        }
    }

    fn is_enrolled(&self, device: DeviceId, directory: &Directory) -> bool {
        // A directory that is still being read does not know any.
        directory.device(device).is_some() || !self.directory.is_current()
    }

    /// The enrolled device that a request comes from.
    #[must_use]
    pub fn device(&self, headers: &HeaderMap) -> Option<DeviceId> {
        let device = self.tokens.verify_device(cookies::of_device(headers)?)?;
        self.is_enrolled(device, &self.directory.load()).then_some(device)
    }

    /// A token for somebody who has just signed in. Tokens count whole seconds: a revocation of this very second would
    /// take a new one along, so the second is waited out.
    pub async fn sign_in(&self, who: Who, device: Option<DeviceId>) -> (String, Login) {
        let mut issued = self.tokens.issue_on(device, who.clone(), wall_now());
        for _ in 0..SIGN_IN_TRIES {
            if !self.is_revoked(&issued.1, &self.directory.load()) {
                break;
            }
            tokio::time::sleep(SIGN_IN_PAUSE).await;
            issued = self.tokens.issue_on(device, who.clone(), wall_now());
        }
        issued
    }

    /// A new token for a login whose token is older than an hour, until 7 days after the signing in.
    #[must_use]
    pub fn renewed(&self, login: &Login) -> Option<(String, Login)> {
        self.renewed_at(login, wall_now())
    }

    fn renewed_at(&self, login: &Login, now: TimeUs) -> Option<(String, Login)> {
        if now.since(login.issued_at) < RENEW_AFTER {
            return None;
        }
        self.tokens.renew(login, now)
    }

    fn verified(&self, token: &str) -> Option<Arc<Login>> {
        if token.len() > TOKEN_MAX_BYTES {
            return None;
        }
        // The end of a token is a signature: as good as a hash of it.
        let shard = token.bytes().rev().take(2).map(usize::from).sum::<usize>() % CACHE_SHARDS;
        let shard = &self.cache[shard];
        if let Some(login) = shard.read().get(token) {
            return Some(Arc::clone(login));
        }
        let login = Arc::new(self.tokens.verify(token)?);
        let mut shard = shard.write();
        if shard.len() >= CACHE_SHARD_MAX {
            shard.clear();
        }
        shard.insert(token.into(), Arc::clone(&login));
        Some(login)
    }

    fn is_revoked(&self, login: &Login, directory: &Directory) -> bool {
        let index = self.revoked.load();
        if index.seq == directory.seq() {
            return index.revokes(login);
        }
        let index = RevokedIndex::of(directory);
        let revokes = index.revokes(login);
        self.revoked.store(Arc::new(index));
        revokes
    }
}

/// Now, for the throttles.
#[must_use]
pub(crate) fn throttle_now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use bus_schemas::{
        Actor, Extra, WorkerId,
        directory::{Change, DirectoryEvent, Record},
        records::{Revoked, RevokedWhat},
    };
    use uuid::Uuid;

    use super::*;
    use crate::{fixtures, test_gateway::demo_directory};

    fn auth(directory: Directory) -> Auth {
        Auth::new(b"a secret of more than thirty-two bytes!", Source::Fixed(Arc::new(directory)), Arc::default())
    }

    fn revoking(what: RevokedWhat, at_us: TimeUs) -> Directory {
        let mut directory = demo_directory();
        let until_us = at_us.after(Duration::from_secs(3_600));
        let record = Record::Revoked(Revoked { what, at_us, until_us, extra: Extra::new() });
        let change = Change::Put(record);
        directory.apply(2, DirectoryEvent { at_us, actor: Actor::System, change, extra: Extra::new() });
        directory
    }

    #[test]
    fn a_token_is_good_until_it_expires_or_is_revoked() {
        let auth_now = auth(demo_directory());
        let worker = demo_directory().worker_by_code("1001").unwrap().record.id;
        let (token, login) = auth_now.tokens().issue(Who::Worker(worker), wall_now());
        assert_eq!(auth_now.check(&token).unwrap().who, Who::Worker(worker));
        assert_eq!(auth_now.check(&token).unwrap().id, login.id, "from the cache");
        assert!(auth_now.check(&token[1..]).is_none());
        assert!(auth_now.check(&"x".repeat(TOKEN_MAX_BYTES + 1)).is_none());

        let revoked = auth(revoking(RevokedWhat::Token(login.id.clone()), wall_now()));
        assert!(revoked.check(&token).is_none());
        let later = wall_now().after(Duration::from_secs(1));
        assert!(auth(revoking(RevokedWhat::Worker(worker), later)).check(&token).is_none());
        let earlier = login.first_at.before(Duration::from_secs(60));
        assert!(auth(revoking(RevokedWhat::Worker(worker), earlier)).check(&token).is_some());

        let old = wall_now().before(Duration::from_secs(17 * 3_600));
        let (expired, _) = auth_now.tokens().issue(Who::Worker(worker), old);
        assert!(auth_now.check(&expired).is_none());
    }

    #[test]
    fn the_token_of_somebody_who_may_not_work_any_more_is_good_for_the_running_session_only() {
        let auth = auth(demo_directory());
        let session = fixtures::session(5, 10);
        let (token, _) = auth.tokens().issue(Who::Worker(session.worker_id), wall_now());
        assert!(auth.check(&token).is_none());
        auth.sessions.fold(fixtures::event(session.clone()), 1);
        assert!(auth.check(&token).is_some());
        let closed = bus_schemas::Session { status: bus_schemas::SessionStatus::Completed, ..session };
        auth.sessions.fold(fixtures::event(closed), 2);
        assert!(auth.check(&token).is_none());
    }

    #[test]
    fn a_token_is_renewed_after_an_hour_and_seven_days_at_most() {
        let auth = auth(Directory::default());
        let start = wall_now();
        let (_, mut login) = auth.tokens().issue(Who::Worker(WorkerId(Uuid::from_u128(5))), start);
        assert!(auth.renewed_at(&login, start.after(Duration::from_secs(3_000))).is_none());
        let mut now = start;
        for _ in 0..30 {
            now = now.after(Duration::from_secs(8 * 3_600));
            let Some((_, renewed)) = auth.renewed_at(&login, now) else { break };
            assert_eq!((&renewed.id, renewed.first_at), (&login.id, login.first_at));
            login = renewed;
        }
        assert_eq!(login.expires_at.since(login.first_at), Duration::from_secs(7 * 24 * 3_600));
    }
}
