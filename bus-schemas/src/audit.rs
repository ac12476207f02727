//! What accounts did that changes no record: a sign-in, a close, a changed account. Edits of records need none of this:
//! they are their own trail.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Extra;

/// Something that an account did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// Names the entry; the last token of its subject.
    pub id: Uuid,
    /// What was done.
    pub action: AuditAction,
    /// To what: the name of an account, the id of a session; empty when it was done to everything.
    pub target: Box<str>,
    /// What else is worth knowing, for a person. Never a password or a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Box<str>>,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// What an account did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// Signed in with its password.
    SignIn,
    /// Signed out.
    SignOut,
    /// Made an account.
    CreateAccount,
    /// Changed what an account may do, or whether it may sign in.
    ChangeAccount,
    /// Set the password of an account.
    SetPassword,
    /// Took the directory out as a file, worker codes included.
    ExportDirectory,
    /// Closed a session.
    CloseSession,
    /// Closed every session it may see.
    CloseAllSessions,
}

impl AuditAction {
    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignOut => "sign_out",
            Self::CreateAccount => "create_account",
            Self::ChangeAccount => "change_account",
            Self::SetPassword => "set_password",
            Self::ExportDirectory => "export_directory",
            Self::CloseSession => "close_session",
            Self::CloseAllSessions => "close_all_sessions",
        }
    }

    /// The kind of what it is done to.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::SignIn | Self::SignOut | Self::CreateAccount | Self::ChangeAccount | Self::SetPassword => "account",
            Self::ExportDirectory => "directory",
            Self::CloseSession | Self::CloseAllSessions => "session",
        }
    }
}
