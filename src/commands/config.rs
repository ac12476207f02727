//! `andon config`: the configuration with secrets hidden and the source of each value.

use std::io::Write as _;

use crate::cli::Settings;
use crate::config::Needs;

/// Prints it, then fails with every problem in it.
///
/// # Errors
/// The configuration has problems, or stdout is closed.
pub fn run(settings: Settings) -> anyhow::Result<()> {
    write!(std::io::stdout(), "{}", settings.clone().print())?;
    settings.load(Needs::default())?;
    Ok(())
}
