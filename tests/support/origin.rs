//! A homeserver that speaks HTTP/2 in the clear, or HTTP/1.1 over TLS; it stores what comes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::certificates::Files;
use super::homeserver::WHOAMI;

/// What every request is answered.
const ANSWER: &str = r#"{"user_id":"@alice:example.org","content_uri":"mxc://example.org/abc"}"#;

/// What reached it of one request.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    pub(crate) method: String,
    /// Scheme and authority too.
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end.
    pub(crate) whole: bool,
    /// Which connection it came over, from 0.
    pub(crate) connection: usize,
}

/// A running homeserver.
pub(crate) struct Origin {
    pub(crate) url: String,
    reached: Arc<Mutex<Vec<Reached>>>,
    /// How many heads have come over HTTP/2.
    begun: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Origin {
    /// Starts one that speaks HTTP/2 in the clear.
    pub(crate) fn h2c() -> Self {
        let (runtime, listener, address) = listening();
        let reached = Arc::<Mutex<Vec<Reached>>>::default();
        let begun = Arc::<AtomicUsize>::default();
        let (all, heads) = (reached.clone(), begun.clone());
        runtime.spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (all, heads) = (all.clone(), heads.clone());
                tokio::spawn(async move {
                    let Ok(mut streams) = h2::server::handshake(stream).await else { return };
                    while let Some(Ok((request, answer))) = streams.accept().await {
                        heads.fetch_add(1, Ordering::SeqCst);
                        tokio::spawn(store(request, answer, connection, all.clone()));
                    }
                });
            }
        });
        Self { url: format!("http://{address}"), reached, begun, _runtime: runtime }
    }

    /// Starts one that speaks HTTP/1.1 over TLS, and answers every head at once.
    pub(crate) fn https(files: &Files) -> Self {
        let (runtime, listener, address) = listening();
        let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(files.der.to_vec())], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Whoever does not trust us hangs up.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut head = Vec::new();
                    while let Ok(byte) = stream.read_u8().await {
                        head.push(byte);
                        if head.ends_with(b"\r\n\r\n") {
                            let length = ANSWER.len();
                            let answer = format!(
                                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{ANSWER}"
                            );
                            stream.write_all(answer.as_bytes()).await.unwrap();
                            stream.flush().await.unwrap();
                            head.clear();
                        }
                    }
                });
            }
        });
        // By name: a certificate of an address is another thing.
        let url = format!("https://localhost:{}", address.port());
        Self { url, reached: Arc::default(), begun: Arc::default(), _runtime: runtime }
    }

    /// Returns how many requests have begun over HTTP/2.
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Returns everything that is not a question of metergate's own.
    pub(crate) fn reached(&self) -> Vec<Reached> {
        let mut all = self.reached.lock().unwrap().clone();
        all.retain(|one| !one.uri.contains(WHOAMI));
        all
    }
}

fn listening() -> (Runtime, TcpListener, SocketAddr) {
    let runtime = super::http2::runtime();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    (runtime, listener, address)
}

async fn store(
    request: http::Request<h2::RecvStream>,
    mut answer: h2::server::SendResponse<Bytes>,
    connection: usize,
    all: Arc<Mutex<Vec<Reached>>>,
) {
    let (head, mut stream) = request.into_parts();
    let (mut body, mut whole) = (Vec::new(), true);
    while let Some(data) = stream.data().await {
        // A stream that broke off would say so for ever.
        let Ok(data) = data else {
            whole = false;
            break;
        };
        stream.flow_control().release_capacity(data.len()).unwrap();
        body.extend_from_slice(&data);
    }
    all.lock().unwrap().push(Reached {
        method: head.method.to_string(),
        uri: head.uri.to_string(),
        headers: head.headers,
        body,
        whole,
        connection,
    });
    // Whoever has gone does not get it.
    if let Ok(mut sending) = answer.send_response(Response::new(()), false) {
        let _ = sending.send_data(Bytes::from_static(ANSWER.as_bytes()), true);
    }
}
