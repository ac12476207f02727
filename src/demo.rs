//! `andon up --demo`: a demo factory, loaded once, and simulated workers in it.

use bus_schemas::Actor;
use tokio_util::sync::CancellationToken;

use crate::backends::Backends;
use crate::directory::DirectoryEditor;
use crate::simulate::{self, SimulateConfig};

/// How bad rows of the demo factory would be told.
const NAME: &str = "the demo factory";

/// Imports the demo factory into a directory that holds no station yet. One that does belongs to somebody.
///
/// # Errors
/// The directory cannot be reached.
pub async fn load(backends: &Backends) -> anyhow::Result<()> {
    let editor = DirectoryEditor::connect(backends).await?;
    if editor.directory().stations().next().is_some() {
        return Ok(());
    }
    let report = editor.import(&Actor::System, NAME, gateway::directory::demo_factory()).await?;
    tracing::info!(records = report.changed, "the demo factory is loaded; workers sign in with the codes 1001 … 1012");
    Ok(())
}

/// Lets simulated workers work at this gateway until `stop`. Without them the rest is of use as well.
pub async fn work(url: String, stop: CancellationToken) {
    match simulate::run(SimulateConfig::demo(&url), stop).await {
        Ok(summary) => tracing::info!("the simulated workers have gone home:\n{summary}"),
        Err(error) => tracing::warn!("there are no simulated workers: {error:#}"),
    }
}
