//! The directory: held in memory, edited with compare-and-set on its stream, imported from and exported to one
//! readable file.

pub mod check;
mod edit;
mod export;
pub mod factory;
mod import;
mod record;

use std::sync::Arc;

pub use andon_nats::directory::DirectoryView;
use bus_schemas::directory::Directory;
pub use edit::{EditError, edit};
pub use export::export;
pub use import::{Import, ImportReport, import, plan};
pub use record::records_from;

/// The demo factory: a print shop.
#[must_use]
pub const fn demo_factory() -> &'static str {
    include_str!("../demo/factory.toml")
}

/// Where handlers read the directory from.
#[derive(Clone)]
pub enum Source {
    /// The stream, followed.
    Live(DirectoryView),
    /// One that does not change: for tests.
    Fixed(Arc<Directory>),
}

impl Source {
    /// The directory now.
    #[must_use]
    pub fn load(&self) -> Arc<Directory> {
        match self {
            Self::Live(view) => view.load(),
            Self::Fixed(directory) => Arc::clone(directory),
        }
    }

    /// Whether it is known to be current.
    #[must_use]
    pub fn is_current(&self) -> bool {
        match self {
            Self::Live(view) => view.position().current,
            Self::Fixed(_) => true,
        }
    }
}
