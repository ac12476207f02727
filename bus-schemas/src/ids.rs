//! One id type per noun, and how derived ids are made. UUIDs travel as 16 bytes, and as hyphenated lower-case text in
//! subjects and JSON.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use crate::{command::CommandId, time::TimeUs};

/// Namespace of every id that is derived from a worker's command (event, session, status event, quantity change).
pub const ANDON_NS: Uuid = uuid!("6f0f4c1e-8d0b-5a47-9a53-3f1f8f6f0a01");
/// Namespace of job ids, which are derived from the job number alone: two gateways naming a new job agree on its id.
pub const ANDON_JOB_NS: Uuid = uuid!("6f0f4c1e-8d0b-5a47-9a53-3f1f8f6f0a02");

macro_rules! id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

id! {
    /// A person who works.
    WorkerId,
    /// A machine or bench.
    StationId,
    /// A production order; derived from its number by [`JobId::of`].
    JobId,
    /// One worker at one station on one job, from opening to closing.
    SessionId,
    /// One event on the log. A status event or quantity change has the id of the event that began it.
    EventId,
    /// Why stopped, or why scrap.
    ReasonId,
    /// A browser that an admin has enrolled.
    DeviceId,
}

/// The id of a checklist item: text of 1 to 64 characters, unique in its list.
pub type ItemId = Box<str>;

impl JobId {
    /// The id of the job with this number, which must be [normalised](crate::text::job_number).
    #[must_use]
    pub fn of(job_number: &str) -> Self {
        Self(Uuid::new_v5(&ANDON_JOB_NS, job_number.as_bytes()))
    }
}

impl EventId {
    /// The id of the `ordinal`-th thing that this command makes at this time.
    #[must_use]
    pub fn derive(worker: WorkerId, command: &CommandId, at: TimeUs, ordinal: u8) -> Self {
        Self(derive(worker, command, at, &ordinal.to_string()))
    }
}

impl SessionId {
    /// The id of the session that this command opens at this time.
    #[must_use]
    pub fn derive(worker: WorkerId, command: &CommandId, at: TimeUs) -> Self {
        Self(derive(worker, command, at, "session"))
    }
}

fn derive(worker: WorkerId, command: &CommandId, at: TimeUs, what: &str) -> Uuid {
    let name = format!("{worker}|{command}|{}|{what}", at.as_micros());
    Uuid::new_v5(&ANDON_NS, name.as_bytes())
}
