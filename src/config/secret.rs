//! Text that must not be printed by accident.

use std::fmt;

/// The least length of an admin password that a person chose.
const SHORTEST_PASSWORD: usize = 8;
/// Longer input would only make hashing slow.
const LONGEST_PASSWORD: usize = 200;

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
    if (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&text.chars().count()) {
        Ok(Secret::new(text))
    } else {
        Err(format!("must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"))
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
