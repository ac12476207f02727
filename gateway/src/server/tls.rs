//! The certificate and its key.

use std::{path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
};

use crate::config::Tls;

/// The certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM of the right kind.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// It is no PEM of the right kind.
    #[error("the certificate is not well formed: {0}")]
    Text(rustls::pki_types::pem::Error),
    /// The two do not belong together, or cannot be used.
    #[error("the certificate and its key cannot be used: {0}")]
    Unfit(#[from] rustls::Error),
}

/// Reads both, for TLS 1.2 and 1.3.
///
/// # Errors
/// See [`TlsError`].
pub fn acceptor(files: &Tls) -> Result<TlsAcceptor, TlsError> {
    let of = |path: &PathBuf| {
        let path = path.clone();
        move |source| TlsError::File { path, source }
    };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(&files.cert).and_then(Iterator::collect).map_err(of(&files.cert))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(of(&files.key))?;
    serving(Arc::new(Current(ArcSwap::from_pointee(CertifiedKey::from_der(chain, key, &provider())?))))
}

/// For a certificate that can be replaced, for TLS 1.2 and 1.3.
///
/// # Errors
/// None that this build has.
pub fn live_acceptor(certificate: &LiveCertificate) -> Result<TlsAcceptor, TlsError> {
    serving(Arc::clone(&certificate.0))
}

/// The certificate in a text of PEM, as DER.
///
/// # Errors
/// There is none in it.
pub fn certificate_of(pem: &str) -> Result<Vec<u8>, TlsError> {
    Ok(CertificateDer::from_pem_slice(pem.as_bytes()).map_err(TlsError::Text)?.to_vec())
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

fn serving(certificate: Arc<Current>) -> Result<TlsAcceptor, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A certificate and its key that can be replaced while connections are accepted with them.
#[derive(Clone, Debug)]
pub struct LiveCertificate(Arc<Current>);

impl LiveCertificate {
    /// A chain in DER, the server's certificate first, and its key in PKCS #8.
    ///
    /// # Errors
    /// They do not belong together, or cannot be used.
    pub fn new(chain: Vec<Vec<u8>>, key: Vec<u8>) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(Current(ArcSwap::new(certified(chain, key)?)))))
    }

    /// What is accepted from now on; connections that there are go on.
    ///
    /// # Errors
    /// As [`LiveCertificate::new`]; the one before stays.
    pub fn replace(&self, chain: Vec<Vec<u8>>, key: Vec<u8>) -> Result<(), TlsError> {
        self.0.0.store(certified(chain, key)?);
        Ok(())
    }
}

fn certified(chain: Vec<Vec<u8>>, key: Vec<u8>) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &provider())?))
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let files = Tls { cert: "/nowhere/cert.pem".into(), key: "/nowhere/key.pem".into() };
        let error = acceptor(&files).err().unwrap().to_string();
        assert!(error.starts_with("/nowhere/cert.pem: "), "{error}");
    }

    #[test]
    fn a_certificate_that_cannot_be_used_does_not_take_the_place_of_one() {
        assert!(LiveCertificate::new(vec![vec![0; 8]], vec![0; 8]).is_err());
        assert!(certificate_of("nothing").is_err());
    }
}
