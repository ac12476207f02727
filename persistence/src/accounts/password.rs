//! Passwords: Argon2id with the parameters OWASP names (19 MiB, 2 passes, 1 lane), few at a time, off the async threads.

use std::cell::RefCell;

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHasher as _, Version,
    password_hash::phc::{Output, PasswordHash},
};

use super::AccountError;
use crate::Store;

/// Characters of a password at least (NIST SP 800-63B).
pub const PASSWORD_MIN_CHARS: usize = 8;
/// Bytes of a password at most: nobody types more, and hashing is not free.
pub const PASSWORD_MAX_BYTES: usize = 1_024;
/// Checked when the name is unknown, so that this takes as long. No password has this hash.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$QW5kb25Ob2JvZHlTYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Store {
    /// Hashes a new password.
    pub(super) async fn hash_password(&self, password: &str) -> Result<String, AccountError> {
        if password.chars().count() < PASSWORD_MIN_CHARS || password.len() > PASSWORD_MAX_BYTES {
            return Err(AccountError::BadPassword);
        }
        let password = password.to_owned();
        self.hashing
            .run(move || {
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
        let right = self.hashing.run(move || check(&password, hash.as_deref().unwrap_or(NOBODY))).await??;
        Ok(right && known && fits)
    }
}

thread_local! {
    /// What a hash is worked out in. Kept by each of the threads that hash: given back to the allocator after every
    /// hash it was not reused, and a hundred wrong passwords cost 200 MB.
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

fn check(password: &str, hash: &str) -> Result<bool, AccountError> {
    let bad = |error: &dyn std::fmt::Display| AccountError::Hash(error.to_string());
    let parsed = PasswordHash::new(hash).map_err(|error| bad(&error))?;
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else { return Err(bad(&"it has no salt or hash")) };
    let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).map_err(|error| bad(&error))?;
    let version = parsed.version.map_or(Ok(Version::default()), Version::try_from).map_err(|error| bad(&error))?;
    let params = Params::try_from(&parsed).map_err(|error| bad(&error))?;
    let blocks = params.block_count();
    let argon2 = Argon2::new(algorithm, version, params);
    let mut computed = vec![0; expected.len()];
    MEMORY.with_borrow_mut(|memory| {
        memory.resize(blocks, Block::default());
        argon2
            .hash_password_into_with_memory(password.as_bytes(), salt, &mut computed, &mut memory[..])
            .map_err(|error| bad(&error))
    })?;
    // Compared in constant time.
    Ok(Output::new(&computed).map_err(|error| bad(&error))? == *expected)
}

#[cfg(test)]
mod tests {
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
    fn a_hash_fits_its_password_and_no_other_one_after_the_other() {
        let hashes: Vec<_> = ["correct horse", "battery staple"]
            .into_iter()
            .map(|password| {
                let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes()).unwrap();
                (password, hash.to_string())
            })
            .collect();
        for (password, _) in &hashes {
            for (own, hash) in &hashes {
                assert_eq!(check(password, hash).unwrap(), password == own);
            }
        }
    }

    #[test]
    fn a_damaged_hash_is_an_error_and_no_wrong_password() {
        assert!(check("some password", "plain text").is_err());
    }
}
