//! `andon admin nats-credentials`: what a role, or an integrator's program, needs to connect to the private
//! nats-server.

use andon_nats::consumers;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::backends::{Backends, NatsRole};
use crate::cli::Settings;
use crate::config::Needs;
use crate::process;

/// How integrators' clients reach the JetStream API of the log: `to` of the imports in `nats/accounts.conf`.
const INTEGRATOR_API: &str = "ANDON.API";
/// How the roles do.
const ROLE_API: &str = "$JS.API";

/// What to print.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Whose
    #[arg(value_enum)]
    user: User,
    /// One JSON object, which the examples read
    #[arg(long)]
    json: bool,
}

/// Users of the private nats-server.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum User {
    Integrator,
    Engine,
    Gateway,
    Persistence,
    Operator,
}

impl User {
    const fn role(self) -> NatsRole {
        match self {
            Self::Integrator => NatsRole::Integrator,
            Self::Engine => NatsRole::Engine,
            Self::Gateway => NatsRole::Gateway,
            Self::Persistence => NatsRole::Persistence,
            Self::Operator => NatsRole::Operator,
        }
    }
}

/// What a client is told.
#[derive(Serialize)]
struct Credentials {
    url: String,
    user: String,
    password: String,
    /// Subscriptions elsewhere are refused.
    inbox_prefix: String,
    api_prefix: &'static str,
    /// The durable on `ANDON` and on `ANDON_DIRECTORY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer: Option<&'static str>,
}

/// Prints them.
///
/// # Errors
/// No `andon up` runs in the data directory, or it uses a nats-server of somebody else's.
pub fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    process::run(settings, Needs::BESIDE, async |config| {
        anyhow::ensure!(
            config.nats.url.is_none(),
            "the users of a nats-server of your own are in its configuration; \
             this prints those of the private one (nats/accounts.conf shows how they are made)"
        );
        let role = arguments.user.role();
        let nats = Backends::beside(&config)?.nats(role);
        let integrator = matches!(role, NatsRole::Integrator);
        let credentials = Credentials {
            url: nats.url,
            user: nats.user.unwrap_or_default(),
            password: nats.password.unwrap_or_default(),
            inbox_prefix: format!("_INBOX.{}", role.name()),
            api_prefix: if integrator { INTEGRATOR_API } else { ROLE_API },
            consumer: integrator.then_some(consumers::INTEGRATOR),
        };
        if arguments.json {
            println!("{}", serde_json::to_string(&credentials)?);
        } else {
            print!("{}", toml::to_string(&credentials)?);
        }
        Ok(())
    })
}
