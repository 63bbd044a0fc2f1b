//! TLS with certificates on both ends.

use super::settings::{ServerError, Tls};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// Takes only clients whose certificate is signed by the roots that are named.
pub(super) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, ServerError> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates("control.certificate", &tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| wrong("control.key", &tls.key, error))?;
    let mut roots = RootCertStore::empty();
    for root in certificates("control.client_ca", &tls.client_ca)? {
        roots.add(root).map_err(|error| wrong("control.client_ca", &tls.client_ca, error))?;
    }
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| wrong("control.client_ca", &tls.client_ca, error))?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("control.certificate", &tls.certificate, error))?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(|error| wrong("control.key", &tls.key, error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(
    key: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let read: Vec<_> = read.map_err(|error| wrong(key, path, error))?;
    if read.is_empty() {
        return Err(wrong(key, path, "no certificate in it: PEM is read"));
    }
    Ok(read)
}

fn wrong(key: &'static str, path: &Path, error: impl std::fmt::Display) -> ServerError {
    ServerError::Tls { key, path: path.into(), message: error.to_string() }
}
