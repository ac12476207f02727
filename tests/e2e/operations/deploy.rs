//! The files in `deploy/`: held to the program, and run: three nats-servers from the very configuration, over TLS on
//! addresses of the loopback network, with an engine, gateways and persistence from theirs.

mod database;
mod files;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rand::Rng as _;

use super::{factory, is_proven, run};
use crate::harness::{Andon, Place, https, tools, until};
use crate::survival::{floor, ledger::Ledger};

/// What lies where, on a machine.
const CONFIGURED: &str = "/etc/andon";
const STORED: &str = "/var/lib/andon/nats";

/// The directory of the files.
fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// A nats-server, ended on drop by its own id.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _gone_already = self.0.wait();
    }
}

/// Three machines that are addresses of the loopback network, with everything that `deploy/prepare` makes.
struct Machines {
    network: String,
    place: Place,
    made: PathBuf,
}

impl Machines {
    fn prepare() -> Self {
        // The ports are those of the files, so the addresses are nobody else's.
        let part = || rand::rng().random_range(1..=254_u8);
        let network = format!("127.{}.{}", part(), part());
        let place = Place::new();
        let made = place.directory().join("made");
        let hosts = [1, 2, 3, 4, 5].map(|host| format!("{network}.{host}"));
        let [nats_1, nats_2, nats_3, one, other] = hosts;
        let prepared = Command::new(deploy().join("prepare"))
            .arg(&made)
            .args([nats_1, nats_2, nats_3, "127.0.0.1".to_owned(), format!("{one},localhost"), other])
            .env("ANDON", env!("CARGO_BIN_EXE_andon"))
            .output()
            .expect("bash runs");
        assert!(prepared.status.success(), "{prepared:?}");
        Self { network, place, made }
    }

    /// A made file as it is on a machine, its places moved below this test's directory.
    fn install(&self, host: u8, file: &str) -> PathBuf {
        let root = self.place.directory().join(format!("machine-{host}"));
        std::fs::create_dir_all(root.join("etc/nats")).expect("made");
        let address = format!("{}.{host}", self.network);
        let text = std::fs::read_to_string(self.made.join(file)).expect("made by deploy/prepare");
        let moved = text
            .replace(CONFIGURED, &root.join("etc").display().to_string())
            .replace(STORED, &root.join("store").display().to_string())
            .replace("0.0.0.0", &address)
            .replace("127.0.0.1:8222", &format!("{address}:8222"));
        let path = root.join("etc").join(file);
        std::fs::write(&path, moved).expect("written");
        path
    }

    /// The certificate of a host, under the name that the configuration has for it.
    fn install_certificate(&self, host: u8, name: &str) {
        let tls = self.place.directory().join(format!("machine-{host}/etc/tls"));
        std::fs::create_dir_all(&tls).expect("made");
        let of = format!("{}.{host}", self.network);
        for (from, to) in [("ca.pem", "ca.pem"), (&*format!("{of}.pem"), &*format!("{name}.pem"))] {
            std::fs::copy(self.made.join("tls").join(from), tls.join(to)).expect("copied");
        }
        std::fs::copy(self.made.join(format!("tls/{of}.key")), tls.join(format!("{name}.key"))).expect("copied");
    }

    fn nats_server(&self, host: u8) -> Server {
        let config = self.install(host, "nats/nats-server.conf");
        self.install(host, "nats/accounts.conf");
        self.install_certificate(host, "server");
        let log = std::fs::File::create(config.with_extension("log")).expect("a log");
        let child = Command::new(tools().join("bin/nats-server"))
            .arg("-c")
            .arg(&config)
            .env("NATS_NAME", format!("nats-{host}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Server(child.expect("nats-server starts"))
    }

    /// A place whose `andon` reads the made configuration of a role, with another Postgres, which has no TLS.
    fn role(&self, role: &str, database_url: &str) -> Place {
        let config = self.install(4, &format!("{role}.toml"));
        Place::new()
            .set("config", &config.display().to_string())
            .set("database_url", database_url)
            .set("secret_file", &self.made.join("secret").display().to_string())
            .unset("nats_port")
            .unset("pg_port")
            .unset("admin_password")
    }

    fn ca(&self) -> String {
        std::fs::read_to_string(self.made.join("tls/ca.pem")).expect("made")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shift_works_on_three_nats_servers_from_the_very_files_over_tls() {
    // given three servers, and a database
    let machines = Machines::prepare();
    let _servers = [1, 2, 3].map(|host| machines.nats_server(host));
    let postgres: Andon = factory(Place::new()).await;
    let database_url = floor::database(&postgres).await;
    machines.install_certificate(4, "gateway");
    let operator = machines.role("operator", &database_url);
    until("the streams are made", async || run(&operator, &["migrate"]).0).await;

    // when each role is started from its file, one gateway over https, one behind somebody else's
    let [engine, persistence] = ["engine", "persistence"].map(|role| machines.role(role, &database_url));
    let tls = machines.role("gateway", &database_url).unset("http_addr");
    let plain = machines.role("gateway", &database_url).set("tls_cert", "").set("tls_key", "");
    let mut roles = [engine.spawn(&["engine"]), persistence.spawn(&["persistence"])];
    let [mut gateway, mut other] = [tls.spawn(&["gateway"]), plain.spawn(&["gateway"])];
    let [first, second] = &mut roles;
    floor::ready(&plain.http_url(), &mut [first, second, &mut gateway, &mut other]).await;

    // then a shift works
    floor::build(&plain);
    let mut worker = floor::sign_in(&plain.http_url(), 0..1).await.remove(0);
    let station = floor::station(&worker).await;
    worker.open(&station, "J-1").await.ok();
    worker.status("production").await.ok();
    worker.quantities(40, 2).await.ok();
    worker.complete().await.ok();
    let ca = machines.ca();
    let address: SocketAddr = format!("{}.4:8443", machines.network).parse().expect("an address");
    until("the gateway over https is ready, with a certificate that is trusted", async || {
        let asked = https::get(&ca, "localhost", address, "/readyz").await;
        asked.is_ok_and(|(head, _)| head.starts_with("HTTP/1.1 200"))
    })
    .await;

    // and is on all three servers and in the database
    is_proven(&plain);
    let config = nats_config(&machines);
    assert_eq!(Ledger::read(&config).await.events.len(), 4);
    let bus = andon_nats::Bus::connect(&config, "operator").await.expect("NATS answers");
    andon_nats::streams::check(&bus, &config).await.expect("three copies of each");

    // and the operator's file is enough for a backup, and for being told that nothing is restored over what is there
    let backup = operator.directory().join("monday").display().to_string();
    let (taken, said) = run(&operator, &["backup", &backup]);
    assert!(taken && said.contains("sequences 1 to"), "{said}");
    let (restored, said) = run(&operator, &["restore", &backup]);
    assert!(!restored && said.contains("has a stream"), "{said}");

    // and nobody gets in without TLS, with another authority, or with a wrong password
    let stranger = Machines::prepare();
    let refused = |place: Place| {
        let (started, said) = run(&place, &["engine"]);
        assert!(!started && said.contains("cannot connect to NATS"), "{said}");
    };
    refused(machines.role("engine", &database_url).set("nats_ca", ""));
    refused(
        machines.role("engine", &database_url).set("nats_ca", &stranger.made.join("tls/ca.pem").display().to_string()),
    );
    let wrong = format!("tls://engine:wrong@{}.1:4222", machines.network);
    refused(machines.role("engine", &database_url).set("nats_url", &wrong));
    for role in roles.iter_mut().chain([&mut gateway, &mut other]) {
        assert!(role.terminate().await.success(), "{}", role.log());
    }
}

/// How the operator reaches the servers, from the operator's file.
fn nats_config(machines: &Machines) -> andon_nats::NatsConfig {
    let text = std::fs::read_to_string(machines.made.join("operator.toml")).expect("made");
    let file: toml::Table = toml::from_str(&text).expect("TOML");
    let url = file["nats_url"].as_str().expect("text");
    let (user_and_password, hosts) = url.trim_start_matches("tls://").split_once('@').expect("credentials");
    let (user, password) = user_and_password.split_once(':').expect("a password");
    andon_nats::NatsConfig {
        url: format!("tls://{hosts}"),
        user: Some(user.to_owned()),
        password: Some(password.to_owned()),
        ca: Some(machines.made.join("tls/ca.pem")),
        monitor_url: None,
        unchecked_log: false,
        replicas: 3,
        log_max_bytes: None,
    }
}
