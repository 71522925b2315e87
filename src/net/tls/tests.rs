//! TLS against a server of our own.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::net::{Body, Client, ClientSettings, Origin, Route};

/// A key made for these tests, in Base64 like the two certificates of it.
const KEY: &str = "\
    MC4CAQAwBQYDK2VwBCIEIPOwZYsNgUGfTkv33yr49XTBEx9aqUh9lM0UKyNBKp+5";
/// Of 127.0.0.1, from 2020 to 2119.
const HERE: &str = "\
    MIHFMHmgAwIBAgIBATAFBgMrZXAwADAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowADAqMAUGAytlcA\
    MhAK/3upnwvq88tw87JdZHXbg0Og8rsLf3hV1NODZUrYIioxYwFDASBgNVHREBAf8ECDAGhwR/AAABMAUGAytlcANB\
    AHs9xCJeUPXQkTuQoTPQa48PP4QO7xvdp/PO4Th9c2XBOILmLQfb8esSuUm0+qoz0HGDWh8QE3dfNvcqpxB1JQc=";
/// Of hooks.example.org, as long.
const ELSEWHERE: &str = "\
    MIHTMIGGoAMCAQICAQEwBQYDK2VwMAAwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMAAwKjAFBgMrZX\
    ADIQCv97qZ8L6vPLcPOyXWR124NDoPK7C394VdTTg2VK2CIqMjMCEwHwYDVR0RAQH/BBUwE4IRaG9va3MuZXhhbXBs\
    ZS5vcmcwBQYDK2VwA0EAzA2/bvLj0H4bx12GSq0U0JNawStR9DSl/s8NBZxVyOw6TuykE02sD2bPdHq5B1GPu9PN6o\
    wcmAgczjGU1r0PBA==";

/// Asks a server at 127.0.0.1 that shows this certificate; returns how that ended.
async fn asked(certificate: &str, is_trusted: bool) -> Result<u16, String> {
    let der = |text: &str| BASE64_STANDARD.decode(text).unwrap();
    let certificate = CertificateDer::from(der(certificate));
    let mut roots = RootCertStore::empty();
    if is_trusted {
        roots.add(certificate.clone()).unwrap();
    }
    let key = PrivateKeyDer::try_from(der(KEY)).unwrap();
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin =
        Origin::Tcp { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // Whoever does not trust us hangs up.
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else {
            return;
        };
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 204 Good\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
    });
    let route = Route::from(origin).over(Tls::trusting(roots));
    let client = Client::fresh(route, ClientSettings::default());
    let answer = client.request(Request::new(Body::empty())).await;
    server.await.unwrap();
    answer.map(|answer| answer.status().as_u16()).map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    })
}

#[tokio::test]
async fn a_request_goes_to_whom_a_trusted_certificate_names() {
    assert_eq!(asked(HERE, true).await, Ok(204));
}

#[tokio::test]
async fn who_is_not_trusted_is_told_nothing() {
    let error = asked(HERE, false).await.unwrap_err();
    assert!(error.starts_with("failed to connect") && error.contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn who_is_somebody_else_is_told_nothing_and_not_named() {
    let error = asked(ELSEWHERE, true).await.unwrap_err();
    assert!(error.ends_with("the certificate is for another name"), "{error}");
    assert!(!error.contains("example") && !error.contains("127"), "{error}");
}
