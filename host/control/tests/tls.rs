//! Beyond loopback: certificates on both ends.

mod support;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{Client, Setup, Stand};
use tercel_control::server::Tls;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate and its key.
struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    fn identity(&self, name: &str) -> Identity {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity { certificate, key }
    }
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("writable");
    path
}

/// What a client gets that trusts this authority and shows this identity: the status, or why not.
async fn ask(stand: &Stand, trusts: &Authority, shows: Option<&Identity>) -> Result<u16, String> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from(trusts.certificate.der().to_vec());
    roots.add(root).map_err(|error| error.to_string())?;
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let config = match shows {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = vec![CertificateDer::from(identity.certificate.der().to_vec())];
            let key = PrivateKeyDer::try_from(identity.key.serialize_der())?;
            builder.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?
        }
    };
    let address = stand.server.local_addr();
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let name = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let stream = connected.map_err(|error| error.to_string())?;
    let client = Client { address, token: Some(stand.viewer.clone()) };
    let answer = client.ask(stream, "GET", "/api/v1/status", &[], Default::default()).await?;
    Ok(answer.status().as_u16())
}

#[tokio::test]
async fn only_clients_with_a_certificate_of_the_right_authority_are_heard() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let server = ours.identity("localhost");
    let tls = Tls {
        certificate: file(folder.path(), "server.pem", &server.certificate.pem()),
        key: file(folder.path(), "server.key", &server.key.serialize_pem()),
        client_ca: file(folder.path(), "clients.pem", &clients.certificate.pem()),
    };
    let stand = Stand::new(Setup { tls: Some(tls), ..Setup::default() });
    let anna = clients.identity("anna");
    assert_eq!(ask(&stand, &ours, Some(&anna)).await, Ok(200));
    ask(&stand, &ours, None).await.expect_err("no certificate");
    let mallory = strangers.identity("anna");
    ask(&stand, &ours, Some(&mallory)).await.expect_err("a stranger's certificate");
    ask(&stand, &strangers, Some(&anna)).await.expect_err("a server that is not trusted");
    // Plain HTTP is no TLS.
    let plain = TcpStream::connect(stand.server.local_addr()).await.expect("it listens");
    let client = Client { address: stand.server.local_addr(), token: Some(stand.viewer.clone()) };
    client.ask(plain, "GET", "/live", &[], Default::default()).await.expect_err("plain");
    assert_eq!(ask(&stand, &ours, Some(&anna)).await, Ok(200), "and still answers who may ask");
}
