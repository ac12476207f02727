//! The local authority: made once, kept in the data directory, and bound to private names by name constraints, so that
//! whoever steals its key cannot pass for anybody outside of the shop.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bus_schemas::TimeUs;
use ipnet::IpNet;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::addresses::{Names, PRIVATE};
use crate::servers::data_dir::write_private;

const DAY: i64 = 24 * 3_600;
/// Ten years: every tablet has to be visited when it ends.
const AUTHORITY_LASTS: i64 = 3_650 * DAY;
/// Below the 398 days that browsers accept.
const CERTIFICATE_LASTS: i64 = 397 * DAY;
/// A certificate, or the authority itself, is made anew so long before its end.
const BEFORE_ITS_END: i64 = 30 * DAY;
/// Clocks of tablets may go behind.
const VALID_BEFORE_NOW: i64 = DAY;
/// Ends of names that an authority may speak for, beside the host's own: names of private networks (RFC 6762, 8375).
const PRIVATE_DOMAINS: [&str; 4] = ["localhost", "local", "lan", "home.arpa"];

/// The authority as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The host's name when it was made: part of the authority's own name, and what it may speak for.
    host: String,
    /// Addresses in no private network that it had then: it may speak for these besides.
    addresses: BTreeSet<IpAddr>,
    /// Seconds since 1970.
    made_at: i64,
    certificate: String,
    key: String,
}

/// The local authority.
pub struct Authority {
    kept: Kept,
    key: KeyPair,
    der: Vec<u8>,
    file: PathBuf,
}

/// A certificate that the authority has signed.
pub struct Signed {
    /// DER, the server's own first.
    pub chain: Vec<Vec<u8>>,
    /// PKCS #8.
    pub key: Vec<u8>,
    /// What it is for.
    pub names: Names,
    ends_at: i64,
}

/// Whole seconds since 1970.
pub const fn seconds(time: TimeUs) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}

impl Authority {
    /// The one that is kept in `directory`, or a new one for `names` when there is none or it is about to end.
    pub fn of(directory: &Path, names: &Names, now: i64) -> anyhow::Result<Self> {
        let kept_in = directory.join("authority.toml");
        let kept = match std::fs::read_to_string(&kept_in) {
            Ok(text) => {
                Some(toml::from_str::<Kept>(&text).with_context(|| format!("{} is damaged", kept_in.display()))?)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", kept_in.display())),
        };
        let kept = match kept {
            Some(kept) if now < kept.made_at + AUTHORITY_LASTS - BEFORE_ITS_END => kept,
            ending => {
                if ending.is_some() {
                    tracing::warn!("the local authority ends soon: a new one is made, which every tablet has to trust");
                }
                let kept = Kept::new(names, now)?;
                write_private(
                    &kept_in,
                    &format!("# Whoever reads this file can pass for this server.\n{}", toml::to_string(&kept)?),
                )?;
                kept
            }
        };
        let file = directory.join("ca.crt");
        write_private(&file, &kept.certificate)?;
        let key = KeyPair::from_pem(&kept.key).with_context(|| format!("the key in {}", kept_in.display()))?;
        let der = gateway::certificate_of(&kept.certificate)?;
        Ok(Self { kept, key, der, file })
    }

    /// Its certificate, as PEM.
    pub fn certificate(&self) -> &str {
        &self.kept.certificate
    }

    /// The same as DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The file that holds the certificate alone.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Those of the names that it may speak for.
    pub fn spoken_for(&self, mut names: Names) -> Names {
        let public = names.public();
        names.addresses.retain(|address| !public.contains(address) || self.kept.addresses.contains(address));
        names
    }

    /// A certificate for names that it may speak for, with a key of its own.
    pub fn sign(&self, names: &Names, now: i64) -> anyhow::Result<Signed> {
        let mut params = valid(now, CERTIFICATE_LASTS)?;
        params.distinguished_name.push(DnType::CommonName, &*names.host);
        // A host that was renamed since keeps its addresses and its name under .local.
        let host = names.of_host().into_iter().filter(|name| *name == self.kept.host || name.ends_with(".local"));
        for name in host.chain(["localhost".to_owned()]) {
            params.subject_alt_names.push(SanType::DnsName(name.try_into()?));
        }
        params.subject_alt_names.extend(names.addresses.iter().copied().map(SanType::IpAddress));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let issuer = Issuer::new(self.kept.params()?, &self.key);
        let certificate = params.signed_by(&key, &issuer)?;
        Ok(Signed {
            chain: vec![certificate.der().to_vec(), self.der.clone()],
            key: key.serialize_der(),
            names: names.clone(),
            ends_at: now + CERTIFICATE_LASTS,
        })
    }
}

impl Signed {
    /// Whether another one is needed: the machine is called otherwise now, or the end is near.
    pub fn is_due(&self, names: &Names, now: i64) -> bool {
        *names != self.names || now > self.ends_at - BEFORE_ITS_END
    }
}

impl Kept {
    fn new(names: &Names, now: i64) -> anyhow::Result<Self> {
        let (host, addresses) = (names.host.clone(), names.public());
        let mut kept = Self { host, addresses, made_at: now, certificate: String::new(), key: String::new() };
        let issuer = CertifiedIssuer::self_signed(kept.params()?, KeyPair::generate()?)?;
        kept.certificate = issuer.pem();
        kept.key = issuer.key().serialize_pem();
        Ok(kept)
    }

    /// What its certificate says; the same each time.
    fn params(&self) -> anyhow::Result<CertificateParams> {
        let mut params = valid(self.made_at, AUTHORITY_LASTS)?;
        params.distinguished_name.push(DnType::CommonName, format!("Andon on {}", self.host));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let names = PRIVATE_DOMAINS.iter().copied().chain([&*self.host]);
        let names = names.map(|name| GeneralSubtree::DnsName(name.to_owned()));
        let networks = PRIVATE.iter().filter_map(|network| network.parse::<IpNet>().ok());
        let networks = networks.chain(self.addresses.iter().copied().map(IpNet::from));
        let networks = networks.map(|network| {
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(network.network(), network.prefix_len()))
        });
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: names.chain(networks).collect(),
            excluded_subtrees: Vec::new(),
        });
        Ok(params)
    }
}

/// Params of a certificate that is good from now on, and for so many seconds.
fn valid(now: i64, lasts: i64) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = OffsetDateTime::from_unix_timestamp(now - VALID_BEFORE_NOW)?;
    params.not_after = OffsetDateTime::from_unix_timestamp(now + lasts)?;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn names(address: &str) -> Names {
        Names { host: "shop".into(), addresses: [address.parse().expect("an address")].into() }
    }

    #[test]
    fn the_authority_is_kept_private_and_made_anew_only_near_its_end() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let of = |now| {
            Authority::of(directory.path(), &names("192.168.1.20"), now).expect("an authority").certificate().to_owned()
        };
        let first = of(NOW);
        assert_eq!(of(NOW + AUTHORITY_LASTS - 31 * DAY), first);
        let kept = std::fs::metadata(directory.path().join("authority.toml")).expect("it is there");
        assert_eq!(kept.permissions().mode() & 0o777, 0o600);
        let public = std::fs::read_to_string(directory.path().join("ca.crt")).expect("it is there");
        assert!(public == first && !public.contains("PRIVATE"));
        let second = of(NOW + AUTHORITY_LASTS - 29 * DAY);
        assert_ne!(second, first);
        assert_eq!(of(NOW + AUTHORITY_LASTS), second);
    }

    #[test]
    fn a_certificate_is_due_when_the_machine_has_another_address_and_near_its_end() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let authority = Authority::of(directory.path(), &names("203.0.113.7"), NOW).expect("an authority");
        let here = names("192.168.1.20");
        let signed = authority.sign(&here, NOW).expect("signed");
        assert!(!signed.is_due(&here, NOW + CERTIFICATE_LASTS - 31 * DAY));
        assert!(signed.is_due(&here, NOW + CERTIFICATE_LASTS - 29 * DAY));
        assert!(signed.is_due(&names("192.168.1.21"), NOW));
        // A public address is spoken for only if the machine had it when the authority was made.
        assert_eq!(authority.spoken_for(names("203.0.113.7")), names("203.0.113.7"));
        assert_eq!(authority.spoken_for(names("203.0.113.8")).addresses.len(), 0);
    }
}
