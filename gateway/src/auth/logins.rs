//! The logins a request brings, and which of them counts.

use std::sync::Arc;

use bus_schemas::{Actor, StationId, WorkerId};
use http::{HeaderMap, header};
use persistence::Role;

use super::{
    Auth, cookies,
    token::{Login, Who},
};
use crate::error::{ApiError, Code};

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Look.
    Read,
    /// Change something.
    Write,
}

/// The valid logins of a request.
#[derive(Clone, Debug, Default)]
pub struct Logins {
    all: Vec<Arc<Login>>,
    by_cookie: bool,
}

/// An account that may do what is asked.
#[derive(Clone, Debug)]
pub struct AccountLogin {
    /// Its name.
    pub name: Box<str>,
    /// What it may do.
    pub role: Role,
    /// Limited to these stations; none: all.
    pub stations: Option<Box<[StationId]>>,
    /// The login.
    pub login: Arc<Login>,
}

impl AccountLogin {
    /// Whether it may see and touch what is at this station.
    #[must_use]
    pub fn sees(&self, station: StationId) -> bool {
        self.stations.as_ref().is_none_or(|stations| stations.contains(&station))
    }

    /// As who it acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Admin(self.name.clone())
    }
}

impl Logins {
    /// Reads `Authorization: Bearer`, which alone counts when it is there, or else the cookies.
    #[must_use]
    pub fn of(headers: &HeaderMap, auth: &Auth) -> Self {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let login = value.to_str().ok().and_then(bearer).and_then(|token| auth.check(token));
            return Self { all: login.into_iter().collect(), by_cookie: false };
        }
        let all = cookies::ours(headers).take(2 * cookies::WORKERS_MAX).filter_map(|(_, token)| auth.check(token));
        Self { all: all.collect(), by_cookie: true }
    }

    /// Just this one.
    #[must_use]
    pub fn only(login: Arc<Login>) -> Self {
        Self { all: vec![login], by_cookie: false }
    }

    /// Whether they came by cookie, which a browser sends without being asked.
    #[must_use]
    pub const fn are_by_cookie(&self) -> bool {
        self.by_cookie
    }

    /// Every login.
    #[must_use]
    pub fn all(&self) -> &[Arc<Login>] {
        &self.all
    }

    /// The workers signed in.
    pub fn workers(&self) -> impl Iterator<Item = WorkerId> + Clone {
        self.all.iter().filter_map(|login| match login.who {
            Who::Worker(id) => Some(id),
            Who::Account { .. } => None,
        })
    }

    /// Any login will do.
    ///
    /// # Errors
    /// There is none.
    pub fn any(&self) -> Result<(), ApiError> {
        if self.all.is_empty() { Err(Code::LoginRequired.into()) } else { Ok(()) }
    }

    /// As who the request may act for this worker: the worker itself, or an account that may.
    ///
    /// # Errors
    /// No login, or none that may.
    pub fn for_worker(&self, worker: WorkerId, access: Access) -> Result<Actor, ApiError> {
        self.any()?;
        if self.workers().any(|signed_in| signed_in == worker) {
            return Ok(Actor::Worker(worker));
        }
        let role = match access {
            Access::Read => Role::Viewer,
            Access::Write => Role::Supervisor,
        };
        match self.account(role) {
            // One that is limited to stations has no say over a whole worker.
            Ok(account) if account.stations.is_none() => Ok(account.actor()),
            _ => Err(Code::Forbidden.into()),
        }
    }

    /// The account signed in, with this role or a higher one.
    ///
    /// # Errors
    /// No login, or none that may.
    pub fn account(&self, role: Role) -> Result<AccountLogin, ApiError> {
        self.any()?;
        let account = self.all.iter().find_map(|login| match &login.who {
            Who::Account { name, role, stations } => {
                Some(AccountLogin { name: name.clone(), role: *role, stations: stations.clone(), login: login.clone() })
            }
            Who::Worker(_) => None,
        });
        account.filter(|account| account.role >= role).ok_or_else(|| Code::Forbidden.into())
    }

    /// The same, and not limited to stations: for what is about the whole factory.
    ///
    /// # Errors
    /// No login, or none that may.
    pub fn whole_factory(&self, role: Role) -> Result<AccountLogin, ApiError> {
        let account = self.account(role)?;
        if account.stations.is_none() { Ok(account) } else { Err(Code::Forbidden.into()) }
    }
}

/// The token of an `Authorization` header.
#[must_use]
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
