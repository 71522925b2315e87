//! Tls: how far the server has to prove who it is, and by whose word.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::address::refused;
use crate::store::StoreError;

/// What a server has to prove, as `sslmode` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// `prefer`: nothing, and TLS only if it offers that.
    IfOffered,
    /// `require`: nothing; so it protects from those who listen, not from one in the middle.
    Anyone,
    /// `verify-ca`: that somebody trusted signed its certificate.
    Chain,
    /// `verify-full`: that, and that it is the host that was asked for.
    Name,
}

/// Makes TLS connections.
#[derive(Clone)]
pub(super) struct Connector(pub(super) MakeRustlsConnect);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl Connector {
    /// Trusts the certificates in the file `roots`, or those of the system.
    pub(super) fn of(proof: Proof, roots: Option<&Path>) -> Result<Self, StoreError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(error.to_string()))?;
        let verifier: Arc<dyn ServerCertVerifier> = match proof {
            Proof::IfOffered | Proof::Anyone => Arc::new(Shown { provider, signers: None }),
            Proof::Chain => {
                let signers = Some(webpki(provider.clone(), roots)?);
                Arc::new(Shown { provider, signers })
            }
            Proof::Name => webpki(provider, roots)?,
        };
        let config =
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        Ok(Self(MakeRustlsConnect::new(config)))
    }
}

fn webpki(
    provider: Arc<CryptoProvider>,
    roots: Option<&Path>,
) -> Result<Arc<WebPkiServerVerifier>, StoreError> {
    let trusted = Arc::new(roots.map_or_else(of_system, of_file)?);
    WebPkiServerVerifier::builder_with_provider(trusted, provider)
        .build()
        .map_err(|error| refused(format!("its certificates cannot be checked: {error}")))
}

fn of_file(file: &Path) -> Result<RootCertStore, StoreError> {
    let unreadable = |why: String| {
        refused(format!("sslrootcert={}: {why}: name a file of PEM certificates", file.display()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in
        CertificateDer::pem_file_iter(file).map_err(|error| unreadable(error.to_string()))?
    {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("it holds no certificate".to_owned()));
    }
    Ok(roots)
}

fn of_system() -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(refused(
            "this system has no trusted certificates: install them, or name some by sslrootcert=FILE",
        ));
    }
    Ok(roots)
}

/// Asks for the key of the certificate that is shown, and for as much of what stands behind it as
/// there is somebody to ask.
#[derive(Debug)]
struct Shown {
    provider: Arc<CryptoProvider>,
    /// Who knows the signers; none if any certificate will do.
    signers: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Shown {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        revocation: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(signers) = &self.signers else {
            return Ok(ServerCertVerified::assertion());
        };
        // The name is looked at last, when all else was found good.
        match signers.verify_server_cert(certificate, others, name, revocation, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
