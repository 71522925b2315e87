//! Certificates: who this server says it is, read from files, and exchanged while it runs.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, ServerConfig};
use tokio_rustls::server::TlsStream;

/// What HTTP/2 is called in ALPN (RFC 9113 §3.1).
const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";
/// The most that is read of a file.
const LARGEST: u64 = 1024 * 1024;

/// A certificate with its chain, and the key of it. Cheap to clone; never printed.
#[derive(Clone)]
pub struct Certificate(Arc<CertifiedKey>);

/// Certificates of those who are trusted to sign others.
#[derive(Clone, PartialEq, Eq)]
pub struct Roots(pub(super) Vec<CertificateDer<'static>>);

impl Roots {
    /// Reads them from a PEM file.
    ///
    /// # Errors
    /// When there is none in it.
    pub fn read(file: &Path) -> Result<Self, BadCertificate> {
        let roots = CertificateDer::pem_slice_iter(&content(file)?).collect::<Result<Vec<_>, _>>();
        let usable = roots.ok().filter(|roots| {
            !roots.is_empty() && roots.iter().all(|it| ParsedCertificate::try_from(it).is_ok())
        });
        usable.map(Self).ok_or_else(|| BadCertificate::NoCertificate(file.to_owned()))
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Roots")
    }
}

/// A file that makes no certificate, and why; a sentence begins with the file.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate in it.
    #[error(
        "{} holds no certificate: write a PEM file, which has lines BEGIN CERTIFICATE", .0.display()
    )]
    NoCertificate(PathBuf),
    /// The certificate in it is one that nobody understands.
    #[error("{} cannot be used: {why}", cert.display())]
    Odd {
        /// The file with the certificate.
        cert: PathBuf,
        /// Why.
        why: String,
    },
    /// There is no key in it that could be used.
    #[error(
        "{} holds no key: write the file with the key (privkey.pem) without a passphrase, which \
         has a line BEGIN PRIVATE KEY", .0.display()
    )]
    NoKey(PathBuf),
    /// What is in it does not go with the other file, or cannot be used.
    #[error("{} does not go with {}: {why}", key.display(), cert.display())]
    Apart {
        /// The file with the key.
        key: PathBuf,
        /// The file with the certificate.
        cert: PathBuf,
        /// Why.
        why: String,
    },
}

impl BadCertificate {
    /// Returns whether it is the file with the certificate that is to be changed, not that of the key.
    #[must_use]
    pub fn is_about_the_certificate(&self, cert: &Path) -> bool {
        match self {
            Self::NoCertificate(_) | Self::Odd { .. } => true,
            Self::Unreadable { file, .. } => file == cert,
            Self::NoKey(_) | Self::Apart { .. } => false,
        }
    }
}

impl Certificate {
    /// Reads a certificate with its chain, and its key, both PEM.
    ///
    /// # Errors
    /// When the two files are not that.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, BadCertificate> {
        let none = |_: PemError| BadCertificate::NoCertificate(cert.to_owned());
        let chain = content(cert)?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(none)?;
        if chain.is_empty() {
            return Err(none(PemError::NoItemsFound));
        }
        let private = PrivateKeyDer::from_pem_slice(&content(key)?);
        let private = private.map_err(|_| BadCertificate::NoKey(key.to_owned()))?;
        let apart = |why: &str| {
            let (key, cert, why) = (key.to_owned(), cert.to_owned(), why.to_owned());
            BadCertificate::Apart { key, cert, why }
        };
        if let Some(Err(error)) = chain.first().map(ParsedCertificate::try_from) {
            let (cert, why) = (cert.to_owned(), odd(&error));
            return Err(BadCertificate::Odd { cert, why });
        }
        let certified = CertifiedKey::from_der(chain, private, &ring::default_provider());
        certified.map(|certified| Self(Arc::new(certified))).map_err(|error| match error {
            Error::InconsistentKeys(_) => apart("write the two files of one certificate"),
            other => apart(&other.to_string()),
        })
    }

    fn is_for(&self, name: &ServerName<'_>) -> bool {
        let parsed = self.0.end_entity_cert().and_then(ParsedCertificate::try_from);
        parsed.is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
    }
}

/// Tells why a certificate is not understood.
fn odd(error: &Error) -> String {
    let told = format!("{error:?}");
    if told.contains("UnsupportedCertVersion") {
        return "it is of version 1: make one of version 3 (openssl req -x509 does)".to_owned();
    }
    error.to_string()
}

/// The certificate is what others see; its key goes with it.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.cert == other.0.cert
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

/// Speaks TLS to clients, by certificates that can be exchanged. Clones share them.
#[derive(Clone)]
pub struct Seal {
    acceptor: Result<TlsAcceptor, Error>,
    shown: Arc<Shown>,
}

impl Seal {
    /// Returns one that shows the certificate of the name a client asks for, or else the first.
    #[must_use]
    pub fn with(certificates: Vec<Certificate>) -> Self {
        let shown = Arc::new(Shown(RwLock::new(certificates.into())));
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider);
        let acceptor = config.with_safe_default_protocol_versions().map(|config| {
            let mut config = config.with_no_client_auth().with_cert_resolver(shown.clone());
            config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
            TlsAcceptor::from(Arc::new(config))
        });
        // What cannot be is told to whoever connects.
        Self { acceptor, shown }
    }

    /// Shows others from the next handshake on; connections that are open go on.
    pub fn show(&self, certificates: Vec<Certificate>) {
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = certificates.into();
    }

    /// Shakes hands; returns the stream, and whether the client speaks HTTP/2 over it.
    pub(in crate::net) async fn over<T>(&self, stream: T) -> io::Result<(TlsStream<T>, bool)>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = self.acceptor.as_ref().map_err(|error| io::Error::other(error.clone()))?;
        let stream = acceptor.accept(stream).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
        Ok((stream, is_http2))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

/// What is shown now.
struct Shown(RwLock<Arc<[Certificate]>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let all = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let asked = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        // With one there is nothing to choose, and nothing to look at.
        let named = asked.filter(|_| all.len() > 1);
        let named = named.and_then(|name| all.iter().find(|certificate| certificate.is_for(&name)));
        named.or(all.first()).map(|certificate| Arc::clone(&certificate.0))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

/// Reads a file that should be small.
fn content(file: &Path) -> Result<Vec<u8>, BadCertificate> {
    use std::io::Read as _;
    let mut content = Vec::new();
    let read = fs::File::open(file).and_then(|it| it.take(LARGEST).read_to_end(&mut content));
    read.map_err(|source| BadCertificate::Unreadable { file: file.to_owned(), source })?;
    Ok(content)
}
