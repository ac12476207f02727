//! The subcommands, one a file.

pub mod config;
pub mod up;
