//! `andon admin import` and `export`: a whole factory as one readable file.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use bus_schemas::Actor;

use crate::backends::Backends;
use crate::cli::Settings;
use crate::config::Needs;
use crate::directory::DirectoryEditor;
use crate::process;

/// The file that stands for standard input and output.
const STANDARD: &str = "-";
/// As large as the one message into which an import is made.
const LARGEST_FILE: u64 = 8 << 20;

/// Imports the file: all of it, or nothing when one row is bad. What it does not name stays as it is.
///
/// # Errors
/// Every bad row with its line; or the file or the directory cannot be read.
pub fn import(settings: Settings, file: PathBuf) -> anyhow::Result<()> {
    process::run(settings, Needs::BESIDE, async |config| {
        let name = file.display().to_string();
        let text = read(&file).with_context(|| format!("{name} cannot be read"))?;
        let editor = DirectoryEditor::connect(&Backends::nats_beside(&config)?).await?;
        let report = editor.import(&Actor::System, &name, &text).await?;
        println!("{} records changed, {} were so already", report.changed, report.unchanged);
        Ok(())
    })
}

/// Writes the directory in the format that [`import`] reads.
///
/// # Errors
/// The file cannot be written, or the directory cannot be read.
pub fn export(settings: Settings, file: PathBuf) -> anyhow::Result<()> {
    process::run(settings, Needs::BESIDE, async |config| {
        let editor = DirectoryEditor::connect(&Backends::nats_beside(&config)?).await?;
        let text = gateway::directory::export(&editor.directory());
        if file.as_os_str() == STANDARD {
            return std::io::stdout().write_all(text.as_bytes()).context("standard output is closed");
        }
        std::fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))
    })
}

fn read(file: &PathBuf) -> anyhow::Result<String> {
    if file.as_os_str() == STANDARD {
        return Ok(std::io::read_to_string(std::io::stdin().lock())?);
    }
    let bytes = std::fs::metadata(file)?.len();
    anyhow::ensure!(bytes <= LARGEST_FILE, "it has {bytes} bytes, more than the {LARGEST_FILE} that one import takes");
    Ok(std::fs::read_to_string(file)?)
}
