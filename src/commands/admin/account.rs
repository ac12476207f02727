//! `andon admin account`: accounts, straight in Postgres, for whoever cannot sign in (yet).

use std::io::BufRead as _;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use persistence::{NewAccount, Role, Store};

use crate::backends::Backends;
use crate::cli::Settings;
use crate::config::Needs;
use crate::directory::DirectoryEditor;
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
    process::run(settings, Needs::BESIDE, async |config| {
        let beside = Backends::beside(&config)?;
        let url = beside.database_url.clone().context("there is no Postgres: name one with --database-url")?;
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
                sign_out(&store, &beside, &name).await;
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

/// Ends whatever the account is signed in with. Somebody who sets a password in an emergency may have no NATS at hand:
/// the password is set all the same, and it is said what still holds.
async fn sign_out(store: &Store, beside: &Backends, name: &str) {
    let ended = async {
        let account = store.account(name).await?.context("the account is gone")?;
        DirectoryEditor::connect(beside).await?.sign_out(account.name.into()).await
    };
    if let Err(error) = ended.await {
        eprintln!("warning: what {name} is signed in with holds until it ends by itself, 7 days at most: {error:#}");
    }
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
