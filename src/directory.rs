//! The directory from the command line: the same import and export that the gateway offers, straight on the bus.

use std::time::Duration;

use andon_nats::{Bus, DirectoryView};
use anyhow::Context as _;
use bus_schemas::Actor;
use bus_schemas::directory::Directory;
use bus_schemas::records::RevokedWhat;
use gateway::directory::factory::BadRow;
use gateway::directory::{EditError, ImportReport};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use crate::backends::{Backends, NatsRole};

/// How long the directory may take to be read; a large one takes a second.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// A connection that reads and edits the directory.
pub struct DirectoryEditor {
    bus: Bus,
    view: DirectoryView,
    stop: CancellationToken,
}

impl DirectoryEditor {
    /// Connects, and reads the directory whole.
    ///
    /// # Errors
    /// NATS cannot be reached, or the directory cannot be read in time.
    pub async fn connect(backends: &Backends) -> anyhow::Result<Self> {
        let bus = Bus::connect(&backends.nats(NatsRole::Gateway), NatsRole::Gateway.name()).await?;
        let stop = CancellationToken::new();
        let view = DirectoryView::start(bus.clone(), stop.clone());
        let editor = Self { bus, view, stop };
        let mut position = editor.view.watch();
        let read = position.wait_for(|position| position.current);
        match tokio::time::timeout(READ_LIMIT, read).await {
            Ok(Ok(_)) => {}
            _ => anyhow::bail!("the directory cannot be read: has `andon migrate` made its stream?"),
        }
        Ok(editor)
    }

    /// The directory as it is.
    pub fn directory(&self) -> Arc<Directory> {
        self.view.load()
    }

    /// Ends whatever this account is signed in with, on every gateway.
    ///
    /// # Errors
    /// The directory cannot be reached.
    pub async fn sign_out(&self, account: Box<str>) -> anyhow::Result<()> {
        gateway::revoke_all(&self.bus, &self.view, &Actor::System, RevokedWhat::Account(account)).await?;
        Ok(())
    }

    /// Imports a factory file, all of it or nothing. `name` is what its bad rows are told by.
    ///
    /// # Errors
    /// Every bad row with its line; or the directory cannot be reached.
    pub async fn import(&self, actor: &Actor, name: &str, text: &str) -> anyhow::Result<ImportReport> {
        match gateway::directory::import(&self.bus, &self.view, actor, text).await {
            Ok(report) => Ok(report),
            Err(EditError::Refused(rows)) => Err(anyhow::Error::msg(told(name, &rows))),
            Err(EditError::Unreachable(why)) => Err(anyhow::Error::msg(why)).context("the directory cannot be reached"),
            Err(EditError::Crowded) => anyhow::bail!("somebody else edits the directory all the time: try again"),
            Err(EditError::TooLarge { bytes, limit }) => {
                anyhow::bail!("{name} makes a message of {bytes} bytes; the nats-server takes {limit} (max_payload)")
            }
            Err(EditError::Unknown) => {
                anyhow::bail!("no acknowledgement: import it again, which changes nothing if it was imported")
            }
        }
    }
}

impl Drop for DirectoryEditor {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn told(name: &str, rows: &[BadRow]) -> String {
    let lines: String = rows.iter().map(|row| format!("\n{name}:{}: {}", row.line, row.problem)).collect();
    format!("nothing was imported, {name} has {} problem(s):{lines}", rows.len())
}
