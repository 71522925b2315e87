//! Serving: accepted connections become requests, within limits, until told to stop.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;

use crate::net::body::BoxError;
use crate::net::listener::{Accepted, Listener, Peer};
use crate::net::shutdown::Shutdown;
use crate::telemetry::labels::Hindrance;
use crate::telemetry::metrics::{Connections, Open};

mod cap;

pub use cap::Cap;

/// What one connection may hold of bytes on their way, each direction.
pub(in crate::net) const BUFFER: usize = 128 * 1024;
/// As many headers as hyper takes without allocating for them.
const DEFAULT_HEADER_COUNT: usize = 100;

/// What a client may cost before it has said what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a request's head may take, from the connection or the previous answer to its last byte.
    pub head_timeout: Duration,
    /// The largest head, request line and headers together; a larger one is answered 431.
    pub head_bytes: usize,
    /// The most headers; with more of them the answer is 431.
    pub header_count: usize,
}

impl Default for Limits {
    /// 30 seconds, 64 KiB, 100 headers.
    fn default() -> Self {
        let head_timeout = Duration::from_secs(30);
        Self { head_timeout, head_bytes: 64 * 1024, header_count: DEFAULT_HEADER_COUNT }
    }
}

/// A client's connection, shared by its requests and by a tunnel it may become.
///
/// It counts against the cap on connections until the last clone of its `Arc` is dropped.
#[derive(Debug)]
pub struct Connection {
    /// Who is at the other end.
    pub peer: Peer,
    _room: OwnedSemaphorePermit,
    _open: Open,
}

/// Serves a share of an address in the current runtime until shutdown begins.
///
/// Each connection is a task of `shutdown`. Past the cap of `connections` new ones wait. When
/// shutdown begins this returns, idle connections close, others after the answer under way. A
/// client that hangs up drops its answer's future: what must be finished belongs into a task of its own.
///
/// # Errors
/// When the runtime cannot take the socket.
pub async fn serve<S, F, B>(
    listener: Listener,
    limits: Limits,
    connections: Cap,
    shutdown: Shutdown,
    service: S,
) -> io::Result<()>
where
    S: Fn(Arc<Connection>, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let acceptor = listener.open()?;
    let mut stopping = pin!(shutdown.stopping());
    let counts = connections.counts.clone();
    let serving = Serving { protocol: protocol(limits), shutdown, service, counts };
    loop {
        let next = async {
            // Accepted first and made to wait after: a permit held while waiting for a connection
            // here would keep connections waiting in another runtime.
            let accepted = acceptor.accept().await;
            (accepted, connections.enter().await)
        };
        let (accepted, room) = tokio::select! {
            () = &mut stopping => return Ok(()),
            next = next => next,
        };
        let Some(room) = room else { return Ok(()) };
        match accepted {
            Accepted::Tcp(stream, ip) => serving.begin(stream, Peer::Ip(ip), room),
            Accepted::Unix(stream) => serving.begin(stream, Peer::Unix, room),
        }
    }
}

fn protocol(limits: Limits) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes.max(BUFFER));
    if limits.header_count != DEFAULT_HEADER_COUNT {
        protocol.max_headers(limits.header_count);
    }
    protocol
}

/// What every connection of a listener has in common.
#[derive(Clone)]
struct Serving<S> {
    protocol: http1::Builder,
    shutdown: Shutdown,
    service: S,
    counts: Connections,
}

impl<S, F, B> Serving<S>
where
    S: Fn(Arc<Connection>, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    /// Makes a connection a task.
    fn begin<T>(&self, stream: T, peer: Peer, room: OwnedSemaphorePermit)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connection = Arc::new(Connection { peer, _room: room, _open: self.counts.opened() });
        drop(self.shutdown.spawn(self.clone().run(stream, connection)));
    }

    /// Drives a connection to its end.
    async fn run<T>(self, stream: T, connection: Arc<Connection>)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { protocol, shutdown, service, counts } = self;
        let service = service_fn(move |request| {
            let answer = service(Arc::clone(&connection), request);
            async { Ok::<_, Infallible>(answer.await) }
        });
        let wire = protocol.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let mut wire = pin!(wire);
        let mut stopping = pin!(shutdown.stopping());
        let (mut watching, mut told) = (false, false);
        // As in `shutdown`: registered once, then one atomic load a poll.
        let end = poll_fn(|cx| {
            if let Poll::Ready(end) = wire.as_mut().poll(cx) {
                return Poll::Ready(end);
            }
            if told || (watching && !shutdown.is_stopping()) {
                return Poll::Pending;
            }
            watching = true;
            if stopping.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            told = true;
            wire.as_mut().graceful_shutdown();
            wire.as_mut().poll(cx)
        });
        if let Err(error) = end.await {
            tell_end(&error, &counts);
        }
    }
}

/// Says why a connection ended early; hyper's errors quote nothing a client has sent.
fn tell_end(error: &hyper::Error, counts: &Connections) {
    if error.is_timeout() {
        counts.limited(Hindrance::HeadTimeout);
        tracing::debug!(limit = "head_timeout", "connection ended by a limit");
    } else if error.is_parse_too_large() {
        counts.limited(Hindrance::HeadSize);
        tracing::debug!(limit = "head_bytes or header_count", "connection ended by a limit");
    } else {
        tracing::debug!(%error, "connection ended early");
    }
}

#[cfg(test)]
mod tests;
