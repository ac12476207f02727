//! What every handler can reach.

use std::{ops::Deref, sync::Arc, time::Duration};

use andon_nats::{Bus, directory::DirectoryView};
use bus_schemas::{Session, directory::Directory};
use ipnet::IpNet;
use persistence::Store;
use tokio::sync::Semaphore;

use crate::{
    auth::{Auth, origin::Origins},
    commands::Commands,
    directory::Source,
    error::{ApiError, Code},
    heartbeats::Heartbeats,
    live_view::{Known, LiveView},
    records::SessionRecord,
    wire::Wire,
};

/// Look-ups in the log at once: ids that nobody knows must not become a flood of reads.
const LOOKUPS_MAX: usize = 64;

/// What the handlers are told about where they run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Silence after which a session is closed.
    pub idle_timeout: Duration,
    /// Length after which a session is shown as forgotten.
    pub max_session: Duration,
    /// Proxies whose `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Worker codes are accepted only from browsers that an admin has enrolled.
    pub require_enrolled_device: bool,
    /// The certificate of the local authority as PEM, where one serves the network.
    pub authority: Option<String>,
    /// Pages that may use cookies here.
    pub origins: Origins,
}

/// The parts of a gateway.
pub struct Parts {
    /// Where it runs.
    pub settings: Settings,
    /// Logins.
    pub auth: Auth,
    /// The directory.
    pub directory: Source,
    /// The live view.
    pub view: LiveView,
    /// Signs of life.
    pub heartbeats: Heartbeats,
    /// Commands to owners.
    pub commands: Commands,
    /// Look-ups in the log.
    pub wire: Arc<dyn Wire>,
    /// History and accounts; none without a database.
    pub store: Option<Store>,
    /// For directory edits; none in tests.
    pub edits: Option<(Bus, DirectoryView)>,
    /// Look-ups in the log that may run now.
    pub lookups: Semaphore,
}

impl Parts {
    /// How many look-ups in the log may run at once.
    #[must_use]
    pub fn lookups() -> Semaphore {
        Semaphore::new(LOOKUPS_MAX)
    }
}

/// A gateway's parts, shared by all handlers.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl App {
    /// Of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The directory now.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.0.directory.load()
    }

    /// History and accounts.
    ///
    /// # Errors
    /// There is no database: says `otherwise`.
    pub fn store(&self, otherwise: Code) -> Result<&Store, ApiError> {
        self.0.store.as_ref().ok_or_else(|| otherwise.into())
    }

    /// What directory edits need.
    ///
    /// # Errors
    /// This gateway has no bus.
    pub fn edits(&self) -> Result<&(Bus, DirectoryView), ApiError> {
        self.0.edits.as_ref().ok_or_else(|| Code::NotReady.into())
    }

    /// The record of a session, with the newest sign of life that is known.
    #[must_use]
    pub fn record(&self, session: &Session) -> SessionRecord {
        let last_seen = match self.0.view.sessions.get(session.id) {
            Known::Active(live) => Some(live.last_seen()),
            Known::Closed(_) | Known::Not => None,
        };
        // A closed session was last seen when it was: beats of its last moments do not count any more.
        SessionRecord::of(session, last_seen.filter(|_| session.is_active()))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
