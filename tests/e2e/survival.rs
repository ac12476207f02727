//! What must survive: processes killed, suspended and cut off under load, on the real servers; afterwards the log and
//! the tables are compared with what clients were told.
//!
//! Every fault is done to one process by its id. Clients keep a history of each command ([`history`]); the log is read
//! whole and checked against it ([`ledger`]); and what Postgres holds must be the fold of that log ([`tables`]).

mod crash;
pub mod floor;
pub mod history;
mod honest;
mod keeper;
pub mod ledger;
pub mod load;
mod mute;
mod nats_away;
mod owners;
mod postgres_away;
mod projectors;
mod proven;
mod silence;
mod tables;
