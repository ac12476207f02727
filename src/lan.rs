//! `andon up --lan`: https for the tablets of a network that has no certificate of its own.
//!
//! A browser offers service workers, wake locks and the like only over https. A local authority, made once and kept in
//! the data directory, signs a certificate for the names and addresses that this machine has now; tablets trust the
//! authority once. The certificate is made anew whenever those change, and before it ends, without a restart.

mod addresses;
mod authority;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use gateway::LiveCertificate;
use gateway::clock::wall_now;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::servers::DataDir;
use addresses::Names;
use authority::{Authority, Signed, seconds};

/// Where tablets connect, unless said otherwise.
pub const LISTEN_AT: &str = "0.0.0.0:8443";
/// How often the machine's addresses and the end of the certificate are looked at: a new address is served within.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The local authority and what it has signed.
pub struct Lan {
    at: SocketAddr,
    authority: Authority,
    signed: Signed,
    certificate: LiveCertificate,
}

impl Lan {
    /// Reads or makes the authority, and signs a certificate for what this machine is called now.
    ///
    /// # Errors
    /// The data directory cannot be read or written.
    pub fn prepare(data: &DataDir, at: SocketAddr) -> anyhow::Result<Self> {
        let now = seconds(wall_now());
        let names = Names::now();
        let authority = Authority::of(&data.private("lan")?, &names, now)?;
        let names = authority.spoken_for(names);
        let signed = authority.sign(&names, now).context("the certificate of this network cannot be made")?;
        let certificate = LiveCertificate::new(signed.chain.clone(), signed.key.clone())?;
        Ok(Self { at, authority, signed, certificate })
    }

    /// What the gateway is told.
    pub fn for_gateway(&self) -> gateway::Lan {
        gateway::Lan {
            addr: self.at,
            certificate: self.certificate.clone(),
            authority: self.authority.certificate().to_owned(),
        }
    }

    /// What a person is told when tablets can connect, on `port`.
    pub fn told(&self, port: u16) -> String {
        let mut text = "for the tablets of this network:\n".to_owned();
        for name in self.signed.names.to_type() {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "  https://{name}:{port}");
        }
        let _ = writeln!(text, "each trusts this authority once: {}", self.authority.file().display());
        let _ = writeln!(text, "  also at /lan/ca.crt of those addresses; its SHA-256 must be");
        let _ = write!(text, "  {}", fingerprint(self.authority.der()));
        text
    }

    /// Signs anew whenever it is time, until `stop`.
    pub async fn keep(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            let (names, now) = (self.authority.spoken_for(Names::now()), seconds(wall_now()));
            if !self.signed.is_due(&names, now) {
                continue;
            }
            if let Err(error) = self.sign(&names, now) {
                tracing::error!("the certificate of this network cannot be made anew: {error:#}");
            }
        }
    }

    fn sign(&mut self, names: &Names, now: i64) -> anyhow::Result<()> {
        let signed = self.authority.sign(names, now)?;
        self.certificate.replace(signed.chain.clone(), signed.key.clone())?;
        tracing::info!(names = %signed.names, "the certificate of this network has been made anew");
        self.signed = signed;
        Ok(())
    }
}

/// As browsers and systems show it.
fn fingerprint(certificate: &[u8]) -> String {
    let bytes = Sha256::digest(certificate);
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
