//! The subcommands, one a file.

pub mod admin;
pub mod backup;
pub mod bench;
pub mod cluster;
pub mod config;
pub mod engine;
pub mod gateway;
pub mod migrate;
pub mod nodes;
pub mod persistence;
pub mod restore;
pub mod simulate;
pub mod tail;
pub mod up;
pub mod verify;
