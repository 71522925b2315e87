//! Serving: accepted connections become requests, within limits, until told to stop.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use self::serving::{House, Serving};
use crate::net::body::BoxError;
use crate::net::listener::Listener;
use crate::net::shutdown::Shutdown;
use crate::net::tls::Seal;

mod cap;
mod connection;
mod crowd;
mod ended;
mod herald;
mod http2;
mod lingering;
mod news;
mod opening;
mod protocols;
mod serving;
mod streams;
mod taken;

pub use cap::Cap;
pub use connection::Connection;
pub use crowd::Crowd;
pub use herald::Heralds;

/// How long it is still accepted after shutdown has begun.
const LAST_MOMENT: Duration = Duration::from_millis(50);

/// What one connection may hold of bytes on their way, each direction.
pub(in crate::net) const BUFFER: usize = 128 * 1024;

/// What the connection of a client may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a request's head may take, from the connection or the previous answer to its last byte.
    pub head_timeout: Duration,
    /// How long the client may take nothing of what is sent to it, over HTTP/2 of one answer.
    pub send_idle_timeout: Duration,
    /// The largest head, request line and headers together; a larger one is answered 431.
    pub head_bytes: usize,
    /// The most headers; with more of them the answer is 431.
    pub header_count: usize,
    /// The most requests at the same time over one HTTP/2 connection.
    pub http2_streams: u32,
    /// The most requests a client may have taken back before they were looked at (rapid reset).
    pub http2_resets: usize,
}

impl Default for Limits {
    /// 30 seconds, a minute, 64 KiB, 100 headers, 100 requests, 20 of them taken back.
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(30),
            send_idle_timeout: Duration::from_mins(1),
            head_bytes: 64 * 1024,
            header_count: protocols::DEFAULT_HEADER_COUNT,
            http2_streams: 100,
            http2_resets: 20,
        }
    }
}

/// How connections begin, and what each may cost.
#[derive(Clone, Debug, Default)]
pub struct Entrance {
    /// What each connection may cost.
    pub limits: Limits,
    /// By which TLS is spoken over TCP; absent: it is not. A Unix socket stays in the clear.
    pub seal: Option<Seal>,
    /// Whose connections begin with a PROXY header; absent: nobody's.
    pub heralds: Option<Heralds>,
    /// How many there may be of one client.
    pub crowd: Crowd,
}

/// Serves a share of an address in the current runtime until shutdown begins.
///
/// Each connection is a task of `shutdown`, and speaks HTTP/1.1 or HTTP/2. Past the cap of
/// `connections` new ones wait. When shutdown begins this returns, having let in who had connected;
/// idle connections close, others after the answers under way. A client that hangs up drops its answer's future: what must be
/// finished belongs into a task of its own.
///
/// # Errors
/// When the runtime cannot take the socket.
pub async fn serve<S, F, B>(
    listener: Listener,
    entrance: Entrance,
    connections: Cap,
    shutdown: Shutdown,
    service: S,
) -> io::Result<()>
where
    S: Fn(Arc<Connection>, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let acceptor = listener.open(entrance.limits.send_idle_timeout)?;
    let mut stopping = pin!(shutdown.stopping());
    let serving = Serving { house: House::new(entrance, shutdown, connections), service };
    loop {
        // Accepted first and made to wait after: a permit held while waiting for a connection here
        // would keep connections waiting in another runtime.
        let accepted = tokio::select! {
            () = &mut stopping => break,
            accepted = acceptor.accept() => accepted,
        };
        tokio::select! {
            () = &mut stopping => {
                serving.let_in_later(accepted);
                break;
            }
            room = serving.house.connections.enter() => serving.let_in(accepted, room),
        }
    }
    // Those who have connected by now would be reset with the socket.
    let closing = Instant::now() + LAST_MOMENT;
    while let Ok(accepted) = timeout_at(closing, acceptor.accept()).await {
        serving.let_in_later(accepted);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
