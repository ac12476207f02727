//! What is revoked, arranged for looking up a login.

use std::collections::{HashMap, HashSet};

use bus_schemas::{TimeUs, WorkerId, directory::Directory, records::RevokedWhat};

use super::token::{Login, Who};

/// The revocations of one state of the directory.
#[derive(Default)]
pub(super) struct RevokedIndex {
    /// Of this directory sequence.
    pub(super) seq: u64,
    tokens: HashSet<Box<str>>,
    accounts: HashMap<Box<str>, TimeUs>,
    workers: HashMap<WorkerId, TimeUs>,
}

impl RevokedIndex {
    pub(super) fn of(directory: &Directory) -> Self {
        let mut index = Self { seq: directory.seq(), ..Self::default() };
        for revoked in directory.revoked() {
            match &revoked.what {
                RevokedWhat::Token(id) => drop(index.tokens.insert(id.clone())),
                RevokedWhat::Account(name) => drop(index.accounts.insert(name.clone(), revoked.at_us)),
                RevokedWhat::Worker(id) => drop(index.workers.insert(*id, revoked.at_us)),
            }
        }
        index
    }

    pub(super) fn revokes(&self, login: &Login) -> bool {
        if self.tokens.is_empty() && self.accounts.is_empty() && self.workers.is_empty() {
            return false;
        }
        let all_before = match &login.who {
            Who::Worker(id) => self.workers.get(id),
            Who::Account { name, .. } => self.accounts.get(name),
        };
        // Signed in at the very second of the revocation: a token counts whole seconds, so it falls with the rest.
        all_before.is_some_and(|at| login.first_at <= *at) || self.tokens.contains(&login.id)
    }
}
