//! `andon admin`: what is done to a running system from its own machine.

pub mod account;
pub mod certificates;
pub mod factory;
pub mod nats_credentials;

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::Settings;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make an account, or set its password
    #[command(subcommand)]
    Account(account::Account),
    /// Load a factory from a file, all of it or nothing
    Import {
        /// The file, `-` for standard input
        file: PathBuf,
    },
    /// Write the factory to a file that import reads
    Export {
        /// The file, `-` for standard output. Holds the codes with which workers sign in
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Print how a user of the private nats-server connects: an integrator's program, or a role
    NatsCredentials(nats_credentials::Arguments),
    /// Make a private authority, and certificates for the servers of a cluster
    Certificates(certificates::Arguments),
}

/// Does it.
///
/// # Errors
/// See each.
pub fn run(settings: Settings, admin: Admin) -> anyhow::Result<()> {
    match admin {
        Admin::Account(account) => account::run(settings, account),
        Admin::Import { file } => factory::import(settings, file),
        Admin::Export { file } => factory::export(settings, file),
        Admin::NatsCredentials(arguments) => nats_credentials::run(settings, arguments),
        Admin::Certificates(arguments) => certificates::run(&arguments),
    }
}
