//! `andon admin account`: accounts, straight in Postgres, for whoever cannot sign in (yet).

use std::io::BufRead as _;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use persistence::{NewAccount, Role, Store};

use crate::backends::Backends;
use crate::cli::Settings;
use crate::config::Needs;
use crate::process;
use crate::servers::installation;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make an account
    Create {
        /// Its name
        name: String,
        /// What it may do
        #[arg(long, value_parser = role, default_value = "admin", value_name = "viewer|supervisor|admin")]
        role: Role,
        /// Its password.
        #[command(flatten)]
        password: Password,
    },
    /// Set the password of an account
    SetPassword {
        /// Its name
        name: String,
        /// Its new password.
        #[command(flatten)]
        password: Password,
    },
}

/// Where a password comes from. Not from the command line, which every user of the machine can see.
#[derive(Debug, Args)]
pub struct Password {
    /// Read the password from the first line of standard input, in place of making one and printing it
    #[arg(long)]
    password_stdin: bool,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be viewer, supervisor or admin".into())
}

/// Does it.
///
/// # Errors
/// Postgres cannot be reached, or refuses the name or the password.
pub fn run(settings: Settings, account: Account) -> anyhow::Result<()> {
    process::run(settings, Needs::default(), async |config| {
        let backends = Backends::beside(&config)?;
        let url = backends.database_url.context("there is no Postgres: name one with --database-url")?;
        let store = Store::connect_lazy(&url)?;
        let (name, password) = match account {
            Account::Create { name, role, password } => {
                let password = password.take()?;
                let new = NewAccount { name: name.clone(), password: password.text.clone(), role, stations: None };
                store.create_account(&new).await?;
                (name, password)
            }
            Account::SetPassword { name, password } => {
                let password = password.take()?;
                store.set_password(&name, &password.text).await?;
                (name, password)
            }
        };
        match password.generated {
            true => println!("the password of {name} is {}", password.text),
            false => println!("the password of {name} is set"),
        }
        Ok(())
    })
}

/// A password, and whether a person must be told it.
struct Taken {
    text: String,
    generated: bool,
}

impl Password {
    fn take(&self) -> anyhow::Result<Taken> {
        if !self.password_stdin {
            return Ok(Taken { text: installation::typed_password(), generated: true });
        }
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("standard input cannot be read")?;
        let text = line.trim_end_matches(['\r', '\n']).to_owned();
        Ok(Taken { text, generated: false })
    }
}
