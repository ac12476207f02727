//! The projection: from the checkpoint on, every message of the log and the directory into the tables, one transaction
//! a batch, by one process at a time, for ever.
//!
//! [`Writer`] is the transactional part and can be driven with chosen batches; [`start`] feeds it from the streams,
//! proves the streams before it reads on, and begins again after any trouble.

mod feed;
mod plan;
mod project;
mod rows;
mod run;
mod write;
mod writer;

use bus_schemas::subject::{STREAM_DIRECTORY, STREAM_LOG};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{PersistenceConfig, PersistenceHandle, StartError, State, convert::DoesNotFit, database};

pub(crate) use write::column;
pub use writer::Writer;

/// Something could not be written. Whatever it was, the checkpoint tells what is in the tables.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Postgres does not answer or refuses.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Postgres took too long.
    #[error("the database does not answer in time")]
    TimedOut,
    /// Somebody else has moved the checkpoint.
    #[error("the checkpoint of {stream} is not at {seq} any more: somebody else projects into this database")]
    Moved {
        /// Of which stream.
        stream: &'static str,
        /// Where it should be.
        seq: u64,
    },
    /// A value fits no column.
    #[error(transparent)]
    DoesNotFit(#[from] DoesNotFit),
}

/// How far the tables are, by stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Projected {
    /// Sequence of the log.
    pub log: u64,
    /// Sequence of the directory.
    pub directory: u64,
}

impl Projected {
    fn note(&mut self, checkpoint: &crate::Checkpoint) {
        match checkpoint.stream {
            STREAM_LOG => self.log = checkpoint.seq,
            STREAM_DIRECTORY => self.directory = checkpoint.seq,
            _ => {}
        }
    }
}

/// Starts projecting in the background. Neither NATS nor Postgres need be there: both are waited for.
///
/// # Errors
/// The database's address cannot be read.
pub async fn start(config: PersistenceConfig) -> Result<PersistenceHandle, StartError> {
    let options = database::options(&config.database_url, &database::PROJECTION).map_err(StartError::BadUrl)?;
    let stop = CancellationToken::new();
    let (state, states) = watch::channel(State::Starting);
    let (projected, position) = watch::channel(Projected::default());
    let projection = run::Projection::new(config, options, state, projected, stop.clone());
    let task = tokio::spawn(projection.run());
    Ok(PersistenceHandle::new(task, stop, states, position))
}
