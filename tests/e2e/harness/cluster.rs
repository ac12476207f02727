//! A running `andon cluster`: told what to do through its socket, and where its servers are.

use std::time::Duration;

use andon_nats::NatsConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::{Place, Process};

/// An order is done by then: the slowest asks a process to end, and kills it after 12 s.
const OBEYS_WITHIN: Duration = Duration::from_secs(60);

/// A cluster of three engine nodes.
pub struct Cluster {
    /// The process that runs the others. Declared first, so that it ends before its files go.
    pub process: Process,
    /// Its files, ports and settings.
    pub place: Place,
    /// Where the gateways are.
    pub gateways: Vec<String>,
}

impl Cluster {
    /// Starts it, and waits until it serves.
    pub async fn start(place: Place) -> Self {
        let mut process = place.spawn(&["cluster", "--nodes", "3"]);
        let said = process.ready().await;
        let gateways = said.split_whitespace().map(str::to_owned).collect();
        Self { process, place, gateways }
    }

    /// Runs `andon` beside it; what it printed, and whether it succeeded.
    pub fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.place.command(arguments).output().expect("andon starts");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).expect("UTF-8"))
    }

    /// Does something to it that must work, by the command line.
    #[track_caller]
    pub fn order(&self, words: &[&str]) -> String {
        let (done, said) = self.run(&[&["cluster"], words].concat());
        assert!(done, "{words:?}: {said}");
        said
    }

    /// The same through its socket; an error is what it says against it.
    pub async fn tell(&self, order: &str) -> Result<String, String> {
        let asked = async {
            let mut stream = UnixStream::connect(self.place.data_dir().join("cluster.sock")).await?;
            stream.write_all(format!("{order}\n").as_bytes()).await?;
            let mut said = String::new();
            stream.read_to_string(&mut said).await?;
            std::io::Result::Ok(said)
        };
        let said = tokio::time::timeout(OBEYS_WITHIN, asked).await.expect("it obeys").expect("it runs");
        said.strip_suffix("ok\n").map(str::to_owned).ok_or(said)
    }

    /// How `role` reaches all nats-servers, past the links.
    pub fn nats_config(&self, role: &str) -> NatsConfig {
        let file = self.place.data_dir().join("running.toml");
        let running: toml::Table =
            toml::from_str(&std::fs::read_to_string(file).expect("it runs")).expect("valid TOML");
        let url = running["nats_url"].as_str().expect("text").to_owned();
        NatsConfig { url, replicas: 3, ..self.place.nats_config(role) }
    }
}
