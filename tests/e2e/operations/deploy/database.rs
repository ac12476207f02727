//! Postgres over TLS, as `sslmode=verify-full` in `deploy/andon/*.toml` demands it: a server that speaks only the beginning
//! of the protocol, because the one that the tests install has no TLS.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

/// What asks for TLS: a length of 8 and the code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// What the server says to whoever has come so far, so that it shows.
const REFUSED: &str = "SFATAL\0C28000\0Mreached over TLS\0\0";

/// Certificates of an authority for this host.
fn certificates(directory: &Path, host: &str) {
    let made =
        Command::new(env!("CARGO_BIN_EXE_andon")).args(["admin", "certificates"]).arg(directory).arg(host).output();
    assert!(made.expect("andon starts").status.success());
}

fn acceptor(directory: &Path, host: &str) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(directory.join(format!("{host}.pem"))).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(directory.join(format!("{host}.key"))).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.expect("they belong together")))
}

/// Serves until the test ends: with TLS, or saying that it has none.
async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        // A client that trusts it not hangs up.
        let _hung_up = answer(stream, tls.as_ref()).await;
    }
}

async fn answer(mut stream: TcpStream, tls: Option<&TlsAcceptor>) -> std::io::Result<()> {
    let mut asked = [0; 8];
    stream.read_exact(&mut asked).await?;
    assert_eq!(asked, SSL_REQUEST, "the client asks for TLS before it says anything");
    let Some(tls) = tls else { return stream.write_all(b"N").await };
    stream.write_all(b"S").await?;
    refuse(tls.accept(stream).await?).await
}

async fn refuse(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    let length = stream.read_u32().await?;
    let mut started = vec![0; usize::try_from(length).expect("a length") - 4];
    stream.read_exact(&mut started).await?;
    stream.write_all(b"E").await?;
    stream.write_u32(u32::try_from(REFUSED.len() + 4).expect("short")).await?;
    stream.write_all(REFUSED.as_bytes()).await?;
    stream.shutdown().await
}

/// What comes of connecting to a server at this host with this authority trusted.
async fn connected(host: &str, tls: Option<TlsAcceptor>, trusted: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = tokio::spawn(serve(listener, tls));
    let ca = trusted.join("ca.pem");
    let url = format!("postgres://andon:x@{host}:{port}/andon?sslmode=verify-full&sslrootcert={}", ca.display());
    let said = persistence::migrate(&url).await.expect_err("it is no real server").to_string();
    server.abort();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_reached_over_tls_under_its_own_name_or_not_at_all() {
    // given a server with a certificate of one authority, for one of its two names
    let directory = tempfile::tempdir().expect("a directory");
    let [own, other] = ["own", "other"].map(|name| directory.path().join(name));
    certificates(&own, "localhost");
    certificates(&other, "localhost");
    let tls = || Some(acceptor(&own, "localhost"));

    // when that authority is trusted, then the server is reached, and only then
    let said = connected("localhost", tls(), &own).await;
    assert!(said.contains("reached over TLS"), "{said}");
    for (host, server, trusted) in [("localhost", tls(), &other), ("127.0.0.1", tls(), &own), ("localhost", None, &own)]
    {
        let said = connected(host, server, trusted).await;
        assert!(!said.contains("reached over TLS"), "{host}: {said}");
        assert!(said.contains("TLS") || said.contains("certificate"), "{host}: {said}");
    }
}
