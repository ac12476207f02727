//! The log in Postgres: the one projection of the streams into tables, history reads, accounts, and the retention of
//! the log.
//!
//! Nothing is decided about sessions here. [`start`] runs the projection, of which one process at a time writes;
//! [`Store`] is what others read history from and keep accounts in. With Postgres away the projection waits and catches
//! up, and a read says [`StoreError::Unavailable`]: no worker is ever kept waiting by it.

pub mod accounts;
mod agree;
pub mod audit;
pub mod backup;
mod checkpoint;
mod config;
mod convert;
mod database;
mod directory;
mod error;
mod handle;
pub mod history;
mod measures;
mod migrate;
pub mod projection;
pub mod proof;
mod quarantine;
pub mod retention;
mod seen;
mod store;
mod trust;

pub use accounts::{Account, AccountChange, AccountError, NewAccount, Role};
pub use agree::{AgreeError, agree};
pub use checkpoint::Checkpoint;
pub use config::PersistenceConfig;
pub use error::{MigrateError, StartError, StoreError};
pub use handle::{Failure, PersistenceHandle, State};
pub use history::{
    Cursor, EventRow, HistoryFilter, QuantityChangeRow, SessionDetail, SessionPage, SessionRow, StatusEventRow, Summary,
};
pub use migrate::migrate;
pub use projection::start;
pub use store::Store;
pub use trust::Refusal;
