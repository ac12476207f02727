//! Status codes and the machine classes that all sums are made from.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The code of a status: `[a-z0-9_]{1,32}`. Statuses are data; only their machine class has a meaning.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct StatusCode(Box<str>);

impl StatusCode {
    /// The built-in status of a session that has just started, and of every closed one.
    #[must_use]
    pub fn stopped() -> Self {
        Self("stopped".into())
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is no status code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a status code: 1 to 32 of a-z, 0-9 and _")]
pub struct NotAStatusCode(pub String);

impl TryFrom<Box<str>> for StatusCode {
    type Error = NotAStatusCode;

    fn try_from(text: Box<str>) -> Result<Self, NotAStatusCode> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(NotAStatusCode(text.chars().take(64).collect()))
        }
    }
}

impl FromStr for StatusCode {
    type Err = NotAStatusCode;

    fn from_str(text: &str) -> Result<Self, NotAStatusCode> {
        Box::<str>::from(text).try_into()
    }
}

impl From<StatusCode> for Box<str> {
    fn from(code: StatusCode) -> Self {
        code.0
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a status means for every sum (ISO 22400: production, setup and down time).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MachineClass {
    /// The machine produces (ISO 22400 actual production time, APT).
    Production,
    /// The machine is being set up (actual unit setup time, AUST).
    Setup,
    /// The machine stands (actual unit down time and delays, ADOT and ADET).
    Stoppage,
}

impl MachineClass {
    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Setup => "setup",
            Self::Stoppage => "stoppage",
        }
    }
}
