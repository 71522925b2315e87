//! TLS: to whoever is called, who must be whom the system's certificates say; and to clients.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

mod certificates;

pub use certificates::{BadCertificate, Certificate, Roots, Seal};

/// Makes connections secret, and sure of the other side. Cheap to clone.
#[derive(Clone)]
pub struct Tls(Result<Arc<ClientConfig>, Error>);

impl Tls {
    /// Returns one that trusts what this machine trusts: `SSL_CERT_FILE`, or the system's roots.
    ///
    /// Blocks while it reads them. Without any, which is logged, every connection fails.
    #[must_use]
    pub fn system() -> Self {
        Self::system_and(None)
    }

    /// Likewise, and trusts these roots too.
    #[must_use]
    pub fn system_and(more: Option<&Roots>) -> Self {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a root certificate cannot be read");
        }
        let mut roots = RootCertStore::empty();
        let (trusted, _) = roots.add_parsable_certificates(found.certs);
        let more = more.map(|more| roots.add_parsable_certificates(more.0.iter().cloned()).0);
        if trusted + more.unwrap_or_default() == 0 {
            tracing::warn!("no root certificates: nobody can be called over https");
        }
        Self::trusting(roots)
    }

    fn trusting(roots: RootCertStore) -> Self {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().map(|config| {
            let mut config = config.with_root_certificates(roots).with_no_client_auth();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(config)
        });
        // What cannot be is told to whoever connects.
        Self(config)
    }

    /// Speaks TLS over `stream` to `host`, a name or an address.
    pub(super) async fn over<T>(&self, stream: T, host: &str) -> io::Result<TlsStream<T>>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "not a name for TLS"))?;
        let config = self.0.clone().map_err(io::Error::other)?;
        let connector = TlsConnector::from(config);
        connector.connect(name, stream).await.map_err(without_names)
    }
}

/// Takes out of an error whom it is about: it may be logged where nobody is to be named.
fn without_names(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => io::Error::new(error.kind(), "the certificate is for another name"),
        Some(Error::InvalidCertificate(CertificateError::Other(other)))
            if format!("{other:?}").contains("CaUsedAsEndEntity") =>
        {
            let instead =
                "the certificate is one that signs others (CA:TRUE): make one with CA:FALSE";
            io::Error::new(error.kind(), instead)
        }
        _ => error,
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

#[cfg(test)]
mod tests;
