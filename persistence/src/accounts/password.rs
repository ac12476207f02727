//! Passwords: Argon2id with the parameters OWASP names (19 MiB, 2 passes, 1 lane), few at a time, off the async threads.

use std::time::Duration;

use argon2::{
    Argon2, PasswordHasher as _, PasswordVerifier as _,
    password_hash::{Error as HashError, phc::PasswordHash},
};
use tokio::time::timeout;

use super::AccountError;
use crate::Store;

/// Characters of a password at least (NIST SP 800-63B).
pub const PASSWORD_MIN_CHARS: usize = 8;
/// Bytes of a password at most: nobody types more, and hashing is not free.
pub const PASSWORD_MAX_BYTES: usize = 1_024;
/// How long a login waits for its turn to be hashed: some 60 logins are in front then, and a person has given up.
const TURN_WITHIN: Duration = Duration::from_secs(2);
/// Checked when the name is unknown, so that this takes as long. No password has this hash.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$QW5kb25Ob2JvZHlTYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Store {
    /// Hashes a new password.
    pub(super) async fn hash_password(&self, password: &str) -> Result<String, AccountError> {
        if password.chars().count() < PASSWORD_MIN_CHARS || password.len() > PASSWORD_MAX_BYTES {
            return Err(AccountError::BadPassword);
        }
        let password = password.to_owned();
        self.hashing(move || {
            let hash: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|error| AccountError::Hash(error.to_string()))
        })
        .await?
    }

    /// Whether the password has this hash; without a hash it has none, after the same work.
    pub(super) async fn check_password(&self, password: &str, hash: Option<String>) -> Result<bool, AccountError> {
        // Longer ones exist nowhere; cutting them would make them equal to shorter ones.
        let fits = password.len() <= PASSWORD_MAX_BYTES;
        let password = if fits { password.to_owned() } else { String::new() };
        let known = hash.is_some();
        let right = self.hashing(move || check(&password, hash.as_deref().unwrap_or(NOBODY))).await??;
        Ok(right && known && fits)
    }

    /// Runs one hashing off the async threads, when it is its turn. The turn ends with the work, also when nobody waits
    /// for it any more.
    async fn hashing<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccountError> {
        let turn = timeout(TURN_WITHIN, self.hashing.clone().acquire_owned());
        let turn = turn.await.map_err(|_| AccountError::Busy)?.map_err(|_| AccountError::Busy)?;
        let hashing = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        hashing.await.map_err(|error| AccountError::Hash(error.to_string()))
    }
}

fn check(password: &str, hash: &str) -> Result<bool, AccountError> {
    let parsed = PasswordHash::new(hash).map_err(|error| AccountError::Hash(error.to_string()))?;
    match Argon2::default().verify_password(password.as_bytes(), &parsed) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(AccountError::Hash(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use argon2::Params;

    use super::*;

    #[test]
    fn the_hash_of_nobody_costs_what_every_hash_costs_and_fits_no_password() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let ours: PasswordHash = Argon2::default().hash_password(b"some password").unwrap();
        assert_eq!(nobody.algorithm, ours.algorithm);
        assert_eq!(Params::try_from(&nobody).unwrap(), Params::try_from(&ours).unwrap());
        assert_eq!(nobody.hash.unwrap().len(), ours.hash.unwrap().len());
        for password in ["", "some password"] {
            assert!(!check(password, NOBODY).unwrap());
        }
    }

    #[test]
    fn a_damaged_hash_is_an_error_and_no_wrong_password() {
        assert!(check("some password", "plain text").is_err());
    }
}
