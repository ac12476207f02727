//! `andon admin certificates`: a private authority, and a certificate for each server of a cluster, for whoever has none.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use gateway::clock::wall_now;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};

use crate::servers::data_dir::write_private;
use crate::tool;

/// Certificates are made anew by hand, so not every year.
const LASTS: Duration = Duration::days(5 * 365);
/// Clocks of other machines may go behind.
const VALID_BEFORE_NOW: Duration = Duration::days(1);

/// Arguments of `andon admin certificates`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The directory to make ca.pem, ca.key and for each host HOST.pem and HOST.key in
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// A host's name or address, which names its files; further ones of the same host after commas
    #[arg(value_name = "HOST[,…]", required = true)]
    pub hosts: Vec<String>,
}

/// Makes them. The authority's key is needed for further hosts alone: keep it elsewhere.
///
/// # Errors
/// There is an authority already, a host's name is none, or a file cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let directory = &arguments.directory;
    std::fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    let there = directory.join("ca.pem");
    ensure!(!there.exists(), "{} is there already: nothing was changed", there.display());
    let issuer = CertifiedIssuer::self_signed(authority()?, KeyPair::generate()?)?;
    for host in &arguments.hosts {
        let names: Vec<&str> = host.split(',').map(str::trim).collect();
        let name = names.first().context("a host has a name")?;
        ensure!(names.iter().all(|name| is_host(name)), "{host:?} is no host's name");
        let key = KeyPair::generate()?;
        let certificate = server(&names)?.signed_by(&key, &issuer)?;
        write(directory, name, &certificate.pem(), &key)?;
    }
    write(directory, "ca", &issuer.pem(), issuer.key())?;
    tool::say(format_args!("{} and the certificates of {}", there.display(), arguments.hosts.join(" ")));
    Ok(())
}

fn is_host(name: &str) -> bool {
    let in_a_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    name.parse::<IpAddr>().is_ok()
        || (name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(in_a_name))
}

fn write(directory: &Path, name: &str, certificate: &str, key: &KeyPair) -> anyhow::Result<()> {
    write_private(&directory.join(format!("{name}.key")), &key.serialize_pem())?;
    let path = directory.join(format!("{name}.pem"));
    std::fs::write(&path, certificate).with_context(|| format!("{} cannot be written", path.display()))
}

fn valid() -> anyhow::Result<CertificateParams> {
    let now = OffsetDateTime::from_unix_timestamp(wall_now().as_micros().div_euclid(1_000_000))?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = now - VALID_BEFORE_NOW;
    params.not_after = now + LASTS;
    Ok(params)
}

fn authority() -> anyhow::Result<CertificateParams> {
    let mut params = valid()?;
    params.distinguished_name.push(DnType::CommonName, "Andon cluster");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// Also for connecting: nats-servers show each other theirs on both sides.
fn server(names: &[&str]) -> anyhow::Result<CertificateParams> {
    let mut params = valid()?;
    params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or_default());
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().with_context(|| format!("{name:?} is no host's name"))?),
        });
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn certificates(directory: &Path, hosts: &[&str]) -> anyhow::Result<()> {
        let hosts = hosts.iter().map(ToString::to_string).collect();
        run(&Arguments { directory: directory.to_owned(), hosts })
    }

    #[test]
    fn each_host_gets_its_own_and_nothing_is_made_twice() {
        let directory = tempfile::tempdir().expect("a directory");
        certificates(directory.path(), &["nats-1,10.0.0.1", "10.0.0.2"]).expect("made");
        for name in ["ca", "nats-1", "10.0.0.2"] {
            let file = |end: &str| directory.path().join(format!("{name}.{end}"));
            assert!(std::fs::read_to_string(file("pem")).expect("there").starts_with("-----BEGIN CERTIFICATE"));
            let mode = std::fs::metadata(file("key")).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert!(certificates(directory.path(), &["other"]).is_err(), "the authority is not replaced");
        assert!(!directory.path().join("other.pem").exists());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for host in ["", "../x", "a b", ",nats"] {
            let directory = tempfile::tempdir().expect("a directory");
            assert!(certificates(directory.path(), &[host]).is_err(), "{host:?}");
        }
    }
}
