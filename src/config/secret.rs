//! Text that must not be printed by accident.

use std::fmt;

use persistence::accounts::{PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS};

/// A password or key. Its `Debug` shows nothing, so that no log line can.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// A password for an account.
///
/// # Errors
/// What it must be.
pub fn admin_password(text: &str) -> Result<Secret, String> {
    if text.chars().count() >= PASSWORD_MIN_CHARS && text.len() <= PASSWORD_MAX_BYTES {
        Ok(Secret::new(text))
    } else {
        Err(format!("must have {PASSWORD_MIN_CHARS} characters or more, and at most {PASSWORD_MAX_BYTES} bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        assert!(!format!("{:?}", Secret::new("swordfish")).contains("sword"));
    }
}
