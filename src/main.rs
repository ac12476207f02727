//! The `andon` command: one binary for every role, and for a whole system on one machine.

mod backends;
mod backup;
mod bench;
mod cli;
mod cluster;
mod commands;
mod config;
mod demo;
mod directory;
mod histogram;
mod lan;
mod lifecycle;
mod nodes;
mod printable;
mod process;
mod roles;
mod running;
mod servers;
mod simulate;
mod tail;
mod telemetry;
mod tool;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let settings = cli.settings;
    match cli.command {
        Command::Config => commands::config::run(settings),
        Command::Up(up) => commands::up::run(settings, up),
        Command::Engine => commands::engine::run(settings),
        Command::Gateway => commands::gateway::run(settings),
        Command::Persistence => commands::persistence::run(settings),
        Command::Admin(admin) => commands::admin::run(settings, admin),
        Command::Migrate => commands::migrate::run(settings),
        Command::Simulate(arguments) => commands::simulate::run(settings, arguments),
        Command::Tail(arguments) => commands::tail::run(settings, arguments),
        Command::Nodes(arguments) => commands::nodes::run(settings, arguments),
        Command::Cluster(arguments) => commands::cluster::run(settings, arguments),
        Command::Verify(arguments) => commands::verify::run(settings, arguments),
        Command::Backup(arguments) => commands::backup::run(settings, arguments),
        Command::Restore(arguments) => commands::restore::run(settings, arguments),
        Command::Bench(bench) => commands::bench::run(settings, bench),
        Command::BenchFloor => bench::floor::serve(),
    }
}
