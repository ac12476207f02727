//! `andon up`: the whole system in one process, with private servers. The roles are the same as on their own.

use std::net::SocketAddr;

use andon_nats::{Bus, consumers, streams};
use clap::Args;

use crate::backends::{Backends, NatsRole};
use crate::cli::Settings;
use crate::config::{Config, Needs, Secret};
use crate::demo;
use crate::lan::{self, Lan};
use crate::lifecycle::Shutdown;
use crate::process;
use crate::roles::{Engine, FirstAccount, Gateway, Persistence, Roles, Setup, agreement};
use crate::running::Running;
use crate::servers::{DataDir, Installation, PrivateNats, PrivatePostgres, PrivateServers, kill_leftovers};

/// Where the metrics are, unless the configuration says otherwise.
const METRICS_AT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9090);

/// Arguments of `andon up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Load a demo factory, once, and run simulated workers in it
    #[arg(long)]
    pub demo: bool,
    /// Serve tablets of the network over https besides, by a certificate of a local authority that they trust once
    #[arg(long, value_name = "ADDR:PORT", num_args = 0..=1, require_equals = true, default_missing_value = lan::LISTEN_AT)]
    pub lan: Option<SocketAddr>,
}

/// Runs until a signal ends it.
///
/// # Errors
/// Something cannot start, or a role has stopped itself.
pub fn run(settings: Settings, up: Up) -> anyhow::Result<()> {
    process::serve(settings, Needs::default(), Some(METRICS_AT), async |config, shutdown| {
        anyhow::ensure!(
            config.tls.is_none() || up.lan.is_none(),
            "--lan makes a certificate, and tls_cert names one: leave one of them out"
        );
        let data = DataDir::hold(&config.data_dir)?;
        let installation = data.installation()?;
        // Not cut short by the first signal: a server that is being started would be left behind.
        let starting = PrivateServers::start(&config, &data, &installation);
        let Some(servers) = shutdown.now.run_until_cancelled(starting).await else {
            kill_leftovers(data.path());
            anyhow::bail!("stopped at once, by a second signal, while the private servers were being started");
        };
        let servers = servers?;
        let killer = servers.killer();
        let stage = Stage { config: &config, data: &data, installation: &installation, servers: &servers, up: &up };
        let ended = if shutdown.drain.is_cancelled() { Ok(()) } else { Box::pin(stage.serve(&shutdown)).await };
        tracing::info!("stopping the private servers");
        if shutdown.now.run_until_cancelled(servers.stop()).await.is_none() {
            killer.kill();
        }
        ended
    })
}

/// What the roles run on.
struct Stage<'a> {
    config: &'a Config,
    data: &'a DataDir,
    installation: &'a Installation,
    servers: &'a PrivateServers,
    up: &'a Up,
}

impl Stage<'_> {
    /// Runs all roles until a signal ends them.
    async fn serve(&self, shutdown: &Shutdown) -> anyhow::Result<()> {
        let backends = Backends::with_private(self.config, self.servers, self.installation);
        ensure_streams(&backends).await?;
        match shutdown.drain.run_until_cancelled(self.agreed(&backends)).await {
            None => return Ok(()),
            Some(agreed) => agreed?,
        }
        if self.up.demo {
            demo::load(&backends).await?;
        }
        let mut roles = Roles::default();
        let lan = self.up.lan.map(|at| Lan::prepare(self.data, at)).transpose()?;
        match self.start(&mut roles, &backends, lan.as_ref()).await {
            Ok((running, url)) => {
                if let Some(lan) = lan {
                    tokio::spawn(lan.keep(shutdown.drain.clone()));
                }
                if self.up.demo {
                    tokio::spawn(demo::work(url, shutdown.drain.clone()));
                }
                let ended = roles.run(shutdown).await;
                drop(running);
                ended
            }
            Err(error) => {
                roles.drain(shutdown).await;
                Err(error)
            }
        }
    }

    /// The log is the one that was projected; into a Postgres that is being made nothing was.
    async fn agreed(&self, backends: &Backends) -> anyhow::Result<()> {
        if self.servers.postgres.as_ref().is_some_and(PrivatePostgres::is_new) {
            return Ok(());
        }
        let Some(url) = &backends.database_url else { return Ok(()) };
        let role = NatsRole::Persistence;
        agreement::log_is_the_projected_one(&backends.nats(role), role.name(), url).await
    }

    /// Starts the roles; returns what says where they are, and the gateway's address.
    async fn start(
        &self,
        roles: &mut Roles,
        backends: &Backends,
        lan: Option<&Lan>,
    ) -> anyhow::Result<(Running, String)> {
        roles.add(Persistence::start(self.config, backends, Setup::Own(self.first_account()))?);
        let restart_nats = self.servers.nats.as_ref().map(PrivateNats::restarter);
        roles.add(Engine::start(self.config, backends, restart_nats).await?);
        let gateway = Gateway::start(self.config, backends, lan).await?;
        let url = gateway.url();
        roles.add(gateway);
        let running = Running::write(self.data, &url, &backends.nats(NatsRole::Operator), backends)?;
        Ok((running, url))
    }

    fn first_account(&self) -> FirstAccount {
        match &self.config.admin_password {
            Some(password) => FirstAccount { password: password.clone(), generated_in: None },
            None => FirstAccount {
                password: Secret::new(&*self.installation.admin_password),
                generated_in: Some(self.data.installation_file()),
            },
        }
    }
}

async fn ensure_streams(backends: &Backends) -> anyhow::Result<()> {
    let nats = backends.nats(NatsRole::Operator);
    let bus = Bus::connect(&nats, NatsRole::Operator.name()).await?;
    let ensured = async {
        streams::ensure(&bus, &nats).await?;
        consumers::ensure(&bus, nats.replicas).await
    };
    let ensured = ensured.await;
    // This role has nothing more to do here.
    let _closed_already = bus.client().drain().await;
    Ok(ensured?)
}
