//! What a cluster consists of: names, ports, links, and what each process is started with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use andon_nats::NatsConfig;
use nix::sys::signal::Signal;

use super::link::Link;
use super::member::{Member, Program};
use crate::backends::{Backends, NatsRole};
use crate::config::{Config, NatsSettings};
use crate::servers::{
    Cluster as Postgres, ClusterSettings, DataDir, Installation, Ports, ServerSettings, child, installation, tools,
};

/// Servers: the fewest of which one may be lost.
const SERVERS: usize = 3;
/// Gateways, and persistence processes: two of each show that any will do.
const PAIR: usize = 2;
/// The name of Postgres.
pub const POSTGRES: &str = "postgres";
/// Each server has a third of what one would have, and leaves some of it to the smaller streams.
const LOG_SHARE: u64 = 4;
/// How long something that an earlier cluster left may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a cluster consists of.
pub struct Shape {
    /// The processes, none of which runs yet.
    pub members: Vec<Member>,
    /// The links, all whole.
    pub links: Vec<Link>,
    /// Where the gateways listen.
    pub http: Vec<String>,
    /// How this process and commands beside it reach the servers: past the links.
    pub backends: Backends,
    /// What earlier processes of this cluster are known by: program, and an argument.
    leftovers: Vec<(String, PathBuf)>,
}

/// What all roles are started with.
struct Common<'a> {
    config: &'a Config,
    directory: PathBuf,
    installation: &'a Installation,
    /// An empty configuration file: its path is what a role's process is known by.
    marker: PathBuf,
    secret_file: PathBuf,
    postgres_password: String,
}

impl Shape {
    /// Chooses ports, makes the links and writes the files.
    ///
    /// # Errors
    /// A program is missing, no port is free, or a file cannot be written.
    pub async fn choose(
        config: &Config,
        data: &DataDir,
        installation: &Installation,
        engines: u8,
    ) -> anyhow::Result<Self> {
        let directory = data.private("cluster")?;
        let mut ports = Ports::default();
        let postgres = Postgres::choose(&config.postgres, data, installation, &mut ports)?;
        let common = Common::prepare(config, data, installation, directory)?;
        let (mut links, mut members, mut http) = (Vec::new(), Vec::new(), Vec::new());
        let servers = common.servers(&mut ports, &mut links).await?;
        let mut leftovers: Vec<_> = servers.iter().map(|server| ("nats-server".to_owned(), server.file())).collect();
        leftovers.push((POSTGRES.to_owned(), postgres.data()));
        leftovers.push((own_name(), common.marker.clone()));
        let database_url = postgres.url();
        for role in roles(engines) {
            let nats = common.nats_links(&role, &servers, &mut links).await?;
            let database = Link::new(&role.name, POSTGRES, postgres.port).await?;
            let mut member = common.role(&role, &nats, database.port(), ports.free(0)?, &mut http)?;
            member.measure_at(ports.free(0)?);
            if role.kind != Kind::Engine {
                links.push(database);
            }
            members.push(member);
        }
        let addresses: Vec<_> = servers.iter().map(ServerSettings::url).collect();
        let nats = NatsConfig {
            url: addresses.join(","),
            user: None,
            password: None,
            ca: None,
            monitor_url: None,
            unchecked_log: true,
            replicas: SERVERS,
            log_max_bytes: Some(config.nats.log_max_bytes.unwrap_or(installation.log_max_bytes / LOG_SHARE)),
        };
        let backends = Backends::of(nats, installation.nats_passwords.clone(), database_url);
        let nats = |server: ServerSettings| Member::new(server.name.clone(), Program::Nats(Box::new(server)));
        let mut all: Vec<_> = servers.into_iter().map(nats).collect();
        all.push(Member::new(POSTGRES.to_owned(), Program::Postgres(Box::new(postgres))));
        all.append(&mut members);
        Ok(Self { members: all, links, http, backends, leftovers })
    }

    /// Takes down what a cluster left that was killed.
    pub async fn end_leftovers(&self) {
        for (program, argument) in &self.leftovers {
            let gently = if program == POSTGRES { Signal::SIGINT } else { Signal::SIGTERM };
            child::end_leftovers(program, argument, gently, PATIENCE).await;
        }
    }
}

/// What this program is called.
fn own_name() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.file_name().map_or_else(|| "andon".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Engine,
    Gateway,
    Persistence,
}

struct RoleName {
    kind: Kind,
    name: String,
}

fn roles(engines: u8) -> Vec<RoleName> {
    let named = |kind, word: &'static str, count: usize| {
        (1..=count).map(move |number| RoleName { kind, name: format!("{word}-{number}") })
    };
    let mut roles: Vec<_> = named(Kind::Engine, "engine", usize::from(engines)).collect();
    roles.extend(named(Kind::Gateway, "gateway", PAIR));
    roles.extend(named(Kind::Persistence, "persistence", PAIR));
    roles
}

impl<'a> Common<'a> {
    fn prepare(
        config: &'a Config,
        data: &DataDir,
        installation: &'a Installation,
        directory: PathBuf,
    ) -> anyhow::Result<Self> {
        let marker = directory.join("role.toml");
        std::fs::write(&marker, "# The processes of this cluster are known by the path of this file.\n")?;
        // Made where it is missing: all gateways sign with the same key.
        installation::token_key(None, data.path())?;
        let secret_file = data.path().join("token.key");
        let postgres_password = installation.postgres_password.clone();
        Ok(Self { config, directory, installation, marker, secret_file, postgres_password })
    }

    /// The nats-servers, each with a link to each other one.
    async fn servers(&self, ports: &mut Ports, links: &mut Vec<Link>) -> anyhow::Result<Vec<ServerSettings>> {
        let binary = tools::nats_server(self.config.nats.binary.as_deref())?;
        let route_ports = (0..SERVERS).map(|_| ports.free(0)).collect::<Result<Vec<_>, _>>()?;
        let mut servers = Vec::new();
        for (index, &port) in route_ports.iter().enumerate() {
            let name = format!("nats-{}", index + 1);
            let mut routes = Vec::new();
            for (other, &target) in route_ports.iter().enumerate().filter(|(other, _)| *other != index) {
                let link = Link::new(&name, &format!("nats-{}", other + 1), target).await?;
                routes.push(link.port());
                links.push(link);
            }
            let directory = self.directory.join(&name);
            std::fs::create_dir_all(&directory)?;
            let asked = NatsSettings { port: 0, ..self.config.nats.clone() };
            let mut server = ServerSettings::new(binary.clone(), &directory, &asked, self.installation, ports)?;
            server.name = name;
            server.max_file_store = self.installation.nats_max_file_store / SERVERS as u64;
            let password = self.installation.nats_passwords.system.clone();
            server.cluster = Some(ClusterSettings { port, routes, password });
            servers.push(server);
        }
        Ok(servers)
    }

    /// A link from a role to each server.
    async fn nats_links(
        &self,
        role: &RoleName,
        servers: &[ServerSettings],
        links: &mut Vec<Link>,
    ) -> anyhow::Result<Vec<u16>> {
        let mut ports = Vec::new();
        for server in servers {
            let link = Link::new(&role.name, &server.name, server.port).await?;
            ports.push(link.port());
            links.push(link);
        }
        Ok(ports)
    }

    fn role(
        &self,
        role: &RoleName,
        nats: &[u16],
        database: u16,
        http_port: u16,
        http: &mut Vec<String>,
    ) -> anyhow::Result<Member> {
        let (word, user) = match role.kind {
            Kind::Engine => ("engine", NatsRole::Engine),
            Kind::Gateway => ("gateway", NatsRole::Gateway),
            Kind::Persistence => ("persistence", NatsRole::Persistence),
        };
        let password = user.password(&self.installation.nats_passwords);
        let (first, others) = nats.split_first().map_or((0, &[][..]), |(first, others)| (*first, others));
        let mut nats_url = format!("nats://{}:{password}@127.0.0.1:{first}", user.name());
        others.iter().for_each(|port| nats_url.push_str(&format!(",nats://127.0.0.1:{port}")));
        let mut variables = self.variables(&role.name);
        variables.push(("ANDON_NATS_URL", nats_url));
        if role.kind != Kind::Engine {
            let url = format!("postgres://andon:{}@127.0.0.1:{database}/andon", self.postgres_password);
            variables.push(("ANDON_DATABASE_URL", url));
        }
        if role.kind == Kind::Gateway {
            let address = format!("127.0.0.1:{http_port}");
            http.push(format!("http://{address}"));
            variables.push(("ANDON_HTTP_ADDR", address));
        }
        let arguments = vec![word.to_owned(), "--config".to_owned(), self.marker.display().to_string()];
        let log = self.directory.join(format!("{}.log", role.name));
        Ok(Member::new(role.name.clone(), Program::Role { arguments, variables, log }))
    }

    fn variables(&self, name: &str) -> Vec<(&'static str, String)> {
        let shown = |path: &Path| path.display().to_string();
        let span = |span: Duration| humantime::format_duration(span).to_string();
        vec![
            ("ANDON_NODE_ID", name.to_owned()),
            ("ANDON_DATA_DIR", shown(&self.directory.join(name))),
            ("ANDON_SECRET_FILE", shown(&self.secret_file)),
            ("ANDON_REPLICAS", SERVERS.to_string()),
            ("ANDON_IDLE_TIMEOUT", span(self.config.idle_timeout)),
            ("ANDON_MAX_SESSION", span(self.config.max_session)),
            ("ANDON_RETENTION", span(self.config.retention)),
            ("ANDON_LOG", self.config.logging.filter.clone()),
        ]
    }
}
