//! The command line as a whole: the subcommands, and the settings that every one of them takes as flags.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, FromArgMatches, Parser, Subcommand};

use crate::commands;
use crate::config::{Config, ConfigError, Needs, keys};

/// A real-time session engine for shop floors.
#[derive(Debug, Parser)]
#[command(name = "andon", version, about, disable_help_subcommand = true)]
pub struct Cli {
    /// The settings.
    #[command(flatten)]
    pub settings: Settings,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole system in one process, with a private Postgres and nats-server
    Up(commands::up::Up),
    /// Run an engine node against a given NATS
    Engine,
    /// Run a gateway against a given NATS
    Gateway,
    /// Run the projection of a given NATS into a given Postgres
    Persistence,
    /// Manage a running system
    #[command(subcommand)]
    Admin(commands::admin::Admin),
    /// Apply migrations and stream definitions, then exit
    Migrate,
    /// Let virtual workers do real shifts over HTTP
    Simulate(commands::simulate::Arguments),
    /// Print the events on the log: what is so, then what happens
    Tail(commands::tail::Arguments),
    /// Print who owns which partitions, since when, and why they moved
    Nodes(commands::nodes::Arguments),
    /// Run a whole cluster on this machine, and kill, stop and cut its processes by name
    Cluster(commands::cluster::Arguments),
    /// Prove or refute the log, and that Postgres holds its fold
    Verify(commands::verify::Arguments),
    /// Take a backup of a running factory: streams, database and secrets
    Backup(commands::backup::Arguments),
    /// Restore a backup into an empty data directory, or into given servers that hold nothing yet
    Restore(commands::restore::Arguments),
    /// Measure, each figure beside its floor
    #[command(subcommand)]
    Bench(commands::bench::Bench),
    /// The floor of heartbeats, started by `bench`
    #[command(name = crate::bench::floor::SUBCOMMAND, hide = true)]
    BenchFloor,
    /// Print the configuration with secrets hidden and the source of each value
    Config,
}

/// The settings on the command line, as text.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    flags: BTreeMap<&'static str, String>,
    file: Option<PathBuf>,
}

impl Settings {
    /// Reads and checks the whole configuration.
    ///
    /// # Errors
    /// All problems at once.
    pub fn load(self, needs: Needs) -> Result<Config, ConfigError> {
        Config::load(self.flags, self.file, needs)
    }

    /// The configuration as text, right or wrong.
    pub fn print(self) -> String {
        crate::config::print(self.flags, self.file)
    }
}

const FILE: &str = "config";

impl Args for Settings {
    fn augment_args(command: clap::Command) -> clap::Command {
        let file = Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("The configuration file [default: andon.toml, where there is one]");
        std::iter::once(file)
            .chain(keys::ALL.iter().map(argument))
            .fold(command, |command, argument| command.arg(argument.global(true).help_heading("Settings")))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags =
            keys::ALL.iter().filter_map(|key| Some((key.name, matches.get_one::<String>(key.name)?.clone()))).collect();
        let file = matches.get_one::<PathBuf>(FILE).cloned();
        Ok(Self { flags, file })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument(key: &keys::Key) -> Arg {
    let variable = key.variable();
    let help = match key.default {
        Some(default) => format!("{} [default: {default}] [{variable}]", key.help),
        None => format!("{} [{variable}]", key.help),
    };
    Arg::new(key.name)
        .long(key.flag())
        .value_name(key.value_name)
        .help(help)
        .hide_short_help(!EVERYDAY.contains(&key.name))
}

/// What `-h` shows; `--help` shows all.
const EVERYDAY: [&str; 5] =
    [keys::DATA_DIR.name, keys::HTTP_ADDR.name, keys::NATS_URL.name, keys::DATABASE_URL.name, keys::LOG.name];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_setting_is_taken_before_and_after_the_subcommand() {
        for line in
            [["andon", "--http-addr", "127.0.0.1:1", "config"], ["andon", "config", "--http-addr", "127.0.0.1:1"]]
        {
            let cli = Cli::try_parse_from(line).expect("a valid command line");
            assert_eq!(cli.settings.flags["http_addr"], "127.0.0.1:1", "{line:?}");
        }
    }
}
