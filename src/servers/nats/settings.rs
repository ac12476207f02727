//! The configuration file of the private nats-server, rendered from `nats/private-server.conf`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::super::installation::NatsPasswords;
use super::super::{Installation, Ports, ServersError, child};
use crate::config::NatsSettings;

/// The rendered file, in the server's directory.
pub const FILE: &str = "server.conf";
const TEMPLATE: &str = include_str!("../../../nats/private-server.conf");
const ACCOUNTS: &str = include_str!("../../../nats/accounts.conf");

/// A server's place in a cluster.
#[derive(Clone)]
pub struct ClusterSettings {
    /// Where the other servers connect, on the loopback address.
    pub port: u16,
    /// Where this server connects to the others.
    pub routes: Vec<u16>,
    /// The password of the servers among each other.
    pub password: String,
}

/// What a start needs. Ports stay the same over restarts, so that clients find the server again.
#[derive(Clone)]
pub struct ServerSettings {
    /// Its name, unique in its cluster.
    pub name: String,
    /// Its place in a cluster; none: it stands alone.
    pub cluster: Option<ClusterSettings>,
    /// The nats-server binary.
    pub binary: PathBuf,
    /// The server's directory, private to its owner.
    pub directory: PathBuf,
    /// Where clients connect, on the loopback address.
    pub port: u16,
    /// Where health is asked, on the loopback address.
    pub monitor_port: u16,
    /// The passwords of its users.
    pub passwords: NatsPasswords,
    /// What it may store, in bytes.
    pub max_file_store: u64,
}

impl ServerSettings {
    /// Chooses ports.
    ///
    /// # Errors
    /// No port is free.
    pub fn new(
        binary: PathBuf,
        directory: &Path,
        asked: &NatsSettings,
        installation: &Installation,
        ports: &mut Ports,
    ) -> Result<Self, ServersError> {
        // A log larger than the server's limit would be refused by name; the limit leaves an eighth for the rest.
        let for_the_log = asked.log_max_bytes.map_or(0, |bytes| bytes / 8 * 9);
        Ok(Self {
            name: "andon-private".to_owned(),
            cluster: None,
            binary,
            directory: directory.to_owned(),
            port: ports.free(asked.port)?,
            monitor_port: ports.free(0)?,
            passwords: installation.nats_passwords.clone(),
            max_file_store: installation.nats_max_file_store.max(for_the_log),
        })
    }

    /// The address of clients, without credentials.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The monitoring address.
    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor_port)
    }

    /// The rendered file.
    pub fn file(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// What the server prints before it has read where its log file is.
    pub fn output(&self) -> PathBuf {
        self.directory.join("output.log")
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.directory.join("nats-server.log")
    }

    /// Writes the configuration file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self) -> Result<(), ServersError> {
        let path = self.file();
        child::private_file(&path)
            .and_then(|mut file| file.write_all(self.render().as_bytes()))
            .map_err(|error| ServersError::file(&path, error))
    }

    fn render(&self) -> String {
        let cluster = self.cluster.as_ref().map(ClusterSettings::render).unwrap_or_default();
        TEMPLATE
            .replace("{{name}}", &self.name)
            .replace("{{cluster}}", &cluster)
            .replace("{{port}}", &self.port.to_string())
            .replace("{{monitor_port}}", &self.monitor_port.to_string())
            .replace("{{store_dir}}", &quoted(&self.directory.join("store")))
            .replace("{{max_file_store}}", &self.max_file_store.to_string())
            .replace("{{passwords}}", &passwords(&self.passwords))
            .replace("{{accounts}}", ACCOUNTS)
            .replace("{{log_file}}", &quoted(&self.log()))
    }
}

impl ClusterSettings {
    /// What is gossiped would lead past the routes given here: neither servers nor clients are told of the others, and
    /// the address that this server names for itself is one where nobody listens.
    fn render(&self) -> String {
        const NOWHERE: &str = "127.0.0.1:9";
        let user = format!("route:{}", self.password);
        let routes: Vec<_> = self.routes.iter().map(|port| format!("\"nats://{user}@127.0.0.1:{port}\"")).collect();
        format!(
            "cluster {{\n  name: \"andon\"\n  listen: \"127.0.0.1:{}\"\n  advertise: \"{NOWHERE}\"\n  no_advertise: true\n  \
             authorization {{ user: \"route\", password: \"{}\", timeout: 5 }}\n  routes: [{}]\n}}\n",
            self.port,
            self.password,
            routes.join(", ")
        )
    }
}

/// The variables that the accounts name.
fn passwords(passwords: &NatsPasswords) -> String {
    let NatsPasswords { engine, gateway, persistence, operator, integrator, system } = passwords;
    let named = [
        ("ENGINE", engine),
        ("GATEWAY", gateway),
        ("PERSISTENCE", persistence),
        ("OPERATOR", operator),
        ("INTEGRATOR", integrator),
        ("SYSTEM", system),
    ];
    named.map(|(name, password)| format!("ANDON_{name}_PASSWORD: \"{password}\"\n")).concat()
}

/// A path as it stands between the double quotes of the file.
fn quoted(path: &Path) -> String {
    path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ServerSettings {
        ServerSettings {
            name: "one".into(),
            cluster: None,
            binary: "nats-server".into(),
            directory: "/a \"quoted\" place".into(),
            port: 4222,
            monitor_port: 8222,
            passwords: NatsPasswords {
                engine: "e".into(),
                gateway: "g".into(),
                persistence: "p".into(),
                operator: "o".into(),
                integrator: "i".into(),
                system: "s".into(),
            },
            max_file_store: 1 << 30,
        }
    }

    #[test]
    fn every_place_of_the_template_is_filled() {
        let rendered = settings().render();
        let own_lines = rendered.lines().filter(|line| !line.starts_with('#'));
        for line in own_lines {
            assert!(!line.contains("{{"), "{line}");
        }
        for variable in rendered.split('$').skip(1).filter_map(|rest| rest.strip_prefix("ANDON_")) {
            let name = variable.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().expect("a name");
            assert!(rendered.contains(&format!("\nANDON_{name}: \"")), "{name} is used and not set");
        }
        assert!(rendered.contains("store_dir: \"/a \\\"quoted\\\" place/store\""));
    }

    #[test]
    fn a_server_of_a_cluster_knows_its_routes_and_tells_nobody_of_others() {
        let cluster = ClusterSettings { port: 6222, routes: vec![7001, 7002], password: "secret".into() };
        let rendered = ServerSettings { name: "nats-2".into(), cluster: Some(cluster), ..settings() }.render();
        assert!(rendered.contains("server_name: \"nats-2\""), "{rendered}");
        assert!(
            rendered
                .contains("routes: [\"nats://route:secret@127.0.0.1:7001\", \"nats://route:secret@127.0.0.1:7002\"]")
        );
        assert!(rendered.contains("no_advertise: true"));
        assert!(!settings().render().contains("cluster {"));
    }

    #[test]
    fn what_is_acknowledged_is_synced() {
        let rendered = settings().render();
        assert!(rendered.contains("sync_interval: always"));
        assert!(rendered.contains("listen: \"127.0.0.1:4222\""));
        assert!(rendered.contains("http: \"127.0.0.1:8222\""));
    }
}
