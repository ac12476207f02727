//! What accounts use.

pub mod accounts;
pub mod audit;
pub mod close;
pub mod close_all;
pub mod devices;
pub mod directory;
pub mod events;
pub mod export;
pub mod feed;
pub mod import;
pub mod login;
pub mod logout;
pub mod me;
pub mod record;
pub mod refresh;
pub mod session;
pub mod sessions;
pub mod sessions_csv;
pub mod summary;
