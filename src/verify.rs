//! `andon verify`: reads a log, from a server or from a dump, and proves or refutes every rule about it.
//!
//! What is judged, and how, is the engine's ([`engine::verify`]); what Postgres must hold is persistence's. Here messages
//! are brought to both, and the result is told.

mod dump;
mod report;
mod source;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use bus_schemas::SessionEvent;
use engine::verify::{Place, Rule, Verifier};
use persistence::proof::{self, Fold};

use crate::printable::printable;
pub use report::Report;
pub use source::{Asked, Source};

/// The projection has this long to come as far as the log was read.
const PROJECTED_WITHIN: Duration = Duration::from_secs(30);

/// What to do beside reading the log.
#[derive(Debug, Default)]
pub struct Options {
    /// Postgres, to be compared.
    pub database_url: Option<String>,
    /// Where to write what was read.
    pub dump: Option<PathBuf>,
}

/// Reads all of the source and judges it.
///
/// # Errors
/// The log or the database cannot be read, or the dump cannot be written. A broken rule is a result.
pub async fn verify(source: Source, options: &Options) -> anyhow::Result<Report> {
    verify_along(source, options, |_, _| ()).await
}

/// The same, and shows every event with its sequence to somebody who has questions of his own.
///
/// # Errors
/// As [`verify`].
pub async fn verify_along(
    mut source: Source,
    options: &Options,
    mut look: impl FnMut(&SessionEvent, u64),
) -> anyhow::Result<Report> {
    let range = source.range();
    let mut dump = match &options.dump {
        Some(path) => Some(dump::Writer::create(path, &source.about())?),
        None => None,
    };
    let mut verifier = Verifier::new(range);
    let mut fold = options.database_url.is_some().then(Fold::default);
    while let Some(message) = source.next().await? {
        let event = verifier.read(&message);
        if let Some(event) = &event {
            look(event, message.seq);
        }
        if let (Some(fold), Some(event)) = (&mut fold, event) {
            fold.add(&event, message.seq);
        }
        if let Some(dump) = &mut dump {
            dump.write(&message)?;
        }
    }
    dump.map_or(Ok(()), dump::Writer::finish)?;
    let compared = match (&options.database_url, &fold) {
        (Some(url), Some(fold)) => {
            let compared = proof::compare(url, fold, PROJECTED_WITHIN).await;
            Some(compared.context("Postgres cannot be compared (--no-database does without)")?)
        }
        _ => None,
    };
    for difference in compared.iter().flat_map(|compared| &compared.differences) {
        let place = Place {
            seq: difference.seq,
            session_id: difference.session_id,
            version: difference.version,
            worker_id: None,
        };
        verifier.add(Rule::Projection, place, printable(&difference.what).into_owned());
    }
    Ok(Report::new(range, verifier.finish(), compared))
}
