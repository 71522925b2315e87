//! Serving: accepted connections become requests, within limits, until told to stop.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep};

use self::opening::{Alarm, Watch};
use self::streams::{Counted, Streams, Tasks};
use crate::net::ahead::Ahead;
use crate::net::body::BoxError;
use crate::net::listener::{Accepted, Listener, Peer};
use crate::net::shutdown::Shutdown;
use crate::net::tls::Seal;

mod cap;
mod connection;
mod herald;
mod opening;
mod protocols;
mod streams;

pub use cap::Cap;
pub use connection::Connection;
pub use herald::Heralds;

/// What one connection may hold of bytes on their way, each direction.
pub(in crate::net) const BUFFER: usize = 128 * 1024;

/// How long an HTTP/2 client that was told to go may take, once nothing of it is under way.
const LAST_WORD: Duration = Duration::from_secs(1);

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
        Self { head_timeout, head_bytes: 64 * 1024, header_count: protocols::DEFAULT_HEADER_COUNT }
    }
}

/// How connections begin, and what each may cost.
#[derive(Clone, Debug, Default)]
pub struct Entrance {
    /// What a client may cost before it has said what it wants.
    pub limits: Limits,
    /// By which TLS is spoken over TCP; absent: it is not. A Unix socket stays in the clear.
    pub seal: Option<Seal>,
    /// Whose connections begin with a PROXY header; absent: nobody's.
    pub heralds: Option<Heralds>,
}

/// Serves a share of an address in the current runtime until shutdown begins.
///
/// Each connection is a task of `shutdown`, and speaks HTTP/1.1 or HTTP/2. Past the cap of
/// `connections` new ones wait. When shutdown begins this returns, idle connections close, others
/// after the answers under way. A client that hangs up drops its answer's future: what must be
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
    let acceptor = listener.open()?;
    let mut stopping = pin!(shutdown.stopping());
    let serving = Serving { house: House::new(entrance, shutdown), service };
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
            Accepted::Tcp(stream, ip) => serving.begin_tcp(stream, Peer::Ip(ip), room),
            Accepted::Unix(stream) => serving.begin(stream, Peer::Unix, room),
        }
    }
}

/// What every connection of a listener has in common.
#[derive(Debug)]
struct House {
    entrance: Entrance,
    http1: http1::Builder,
    http2: http2::Builder<Tasks>,
    shutdown: Shutdown,
}

impl House {
    fn new(entrance: Entrance, shutdown: Shutdown) -> Arc<Self> {
        let http1 = protocols::http1(entrance.limits);
        let http2 = protocols::http2(entrance.limits, Tasks(shutdown.clone()));
        Arc::new(Self { entrance, http1, http2, shutdown })
    }

    /// Returns who is at the other end, or behind it, if that is a proxy that says so.
    async fn announced<T>(&self, stream: &mut Ahead<T>, peer: Peer) -> io::Result<Peer>
    where
        T: AsyncRead + Unpin,
    {
        match &self.entrance.heralds {
            Some(heralds) if heralds.expect_of(peer) => {
                Ok(herald::read(stream).await?.map_or(peer, Peer::Ip))
            }
            _ => Ok(peer),
        }
    }
}

/// One connection, about to begin.
#[derive(Clone)]
struct Serving<S> {
    house: Arc<House>,
    service: S,
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
        drop(self.house.shutdown.spawn(self.clone().run(stream, peer, room)));
    }

    /// Makes a connection a task that begins with TLS, if that is spoken.
    fn begin_tcp(&self, stream: TcpStream, peer: Peer, room: OwnedSemaphorePermit) {
        match self.house.entrance.seal.clone() {
            Some(seal) => {
                let run = self.clone().run_sealed(stream, seal, peer, room);
                drop(self.house.shutdown.spawn(run));
            }
            None => self.begin(stream, peer, room),
        }
    }

    /// Drives a connection to its end, whichever version it speaks.
    async fn run<T>(self, stream: T, peer: Peer, room: OwnedSemaphorePermit)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut watch, house) = (pin!(self.watch()), Arc::clone(&self.house));
        let mut stream = Ahead::new(stream);
        let opening = async {
            let peer = house.announced(&mut stream, peer).await?;
            Ok((opening::is_http2(&mut stream).await?, peer))
        };
        if let Some((is_http2, peer)) = opened(watch.as_mut(), opening).await {
            self.speak(stream, is_http2, Connection::new(peer, room), watch).await;
        }
    }

    /// Likewise, over TLS.
    async fn run_sealed(
        self,
        stream: TcpStream,
        seal: Seal,
        peer: Peer,
        room: OwnedSemaphorePermit,
    ) {
        let (mut watch, house) = (pin!(self.watch()), Arc::clone(&self.house));
        let mut stream = Ahead::new(stream);
        let opening = async {
            let peer = house.announced(&mut stream, peer).await?;
            Ok((seal.over(stream).await?, peer))
        };
        if let Some(((stream, is_http2), peer)) = opened(watch.as_mut(), opening).await {
            self.speak(stream, is_http2, Connection::new(peer, room), watch).await;
        }
    }

    fn watch(&self) -> Watch {
        Watch::new(self.house.shutdown.clone(), self.house.entrance.limits.head_timeout)
    }

    async fn speak<T>(
        self,
        stream: T,
        is_http2: bool,
        connection: Connection,
        watch: Pin<&mut Watch>,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connection = Arc::new(connection);
        if is_http2 {
            // Apart, so that no other connection is made larger by it.
            Box::pin(self.speak_http2(stream, connection, watch)).await;
        } else {
            self.speak_http1(stream, connection, watch).await;
        }
    }

    async fn speak_http1<T>(
        self,
        stream: T,
        connection: Arc<Connection>,
        mut watch: Pin<&mut Watch>,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { house, service } = self;
        let heard = Arc::clone(&connection);
        let service = service_fn(move |request| {
            connection.hear();
            let answer = service(Arc::clone(&connection), request);
            async { Ok::<_, Infallible>(answer.await) }
        });
        let wire = house.http1.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let (mut wire, mut told) = (pin!(wire), false);
        let end = poll_fn(|cx| {
            if let Poll::Ready(end) = wire.as_mut().poll(cx) {
                return Poll::Ready(end);
            }
            if told {
                return Poll::Pending;
            }
            match ready!(watch.as_mut().poll(cx, heard.is_heard())) {
                Alarm::Late => {
                    log_late();
                    Poll::Ready(Ok(()))
                }
                Alarm::Stopping => {
                    told = true;
                    wire.as_mut().graceful_shutdown();
                    wire.as_mut().poll(cx)
                }
            }
        });
        if let Err(error) = end.await {
            log_end(&error);
        }
    }

    async fn speak_http2<T>(
        self,
        stream: T,
        connection: Arc<Connection>,
        mut watch: Pin<&mut Watch>,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { house, service } = self;
        let (heard, streams) = (Arc::clone(&connection), Streams::new());
        let counting = streams.clone();
        let service = service_fn(move |request| {
            connection.hear();
            let stream = counting.begin();
            let answer = service(Arc::clone(&connection), request);
            async { Ok::<_, Infallible>(answer.await.map(|body| Counted::new(body, stream))) }
        });
        let mut wire = pin!(house.http2.serve_connection(TokioIo::new(stream), service));
        let (mut told, mut idle) = (None, pin!(sleep(Duration::ZERO)));
        let head_timeout = house.entrance.limits.head_timeout;
        let end = poll_fn(|cx| {
            loop {
                if let Poll::Ready(end) = wire.as_mut().poll(cx) {
                    return Poll::Ready(end);
                }
                let alarm = match told {
                    Some(_) => Poll::Pending,
                    None => watch.as_mut().poll(cx, heard.is_heard()),
                };
                if alarm == Poll::Ready(Alarm::Late) {
                    log_late();
                    return Poll::Ready(Ok(()));
                }
                // One that said nothing for long, or is to end, is told first; if it does not go
                // then, it is left.
                let due = streams.idle_since(cx).and_then(|since| match told {
                    Some(told) => since.max(told).checked_add(LAST_WORD),
                    None if heard.is_heard() => since.checked_add(head_timeout),
                    None => None,
                });
                let is_over = due.is_some_and(|due| {
                    if idle.deadline() != due {
                        idle.as_mut().reset(due);
                    }
                    idle.as_mut().poll(cx).is_ready()
                });
                match (told, is_over) {
                    (Some(_), true) => return Poll::Ready(Ok(())),
                    (None, false) if alarm.is_pending() => return Poll::Pending,
                    (Some(_), false) => return Poll::Pending,
                    (None, _) => {}
                }
                told = Some(Instant::now());
                wire.as_mut().graceful_shutdown();
            }
        });
        if let Err(error) = end.await {
            log_end(&error);
        }
    }
}

/// Waits for a connection to have begun; none if it did not, or not in time.
async fn opened<T>(
    mut watch: Pin<&mut Watch>,
    opening: impl Future<Output = io::Result<T>>,
) -> Option<T> {
    let alarm = poll_fn(|cx| watch.as_mut().poll(cx, false));
    tokio::select! {
        biased;
        opened = opening => opened.inspect_err(|error| {
            tracing::debug!(%error, "connection ended before its first request");
        }).ok(),
        alarm = alarm => {
            if alarm == Alarm::Late {
                log_late();
            }
            None
        }
    }
}

fn log_late() {
    tracing::debug!(limit = "head_timeout", "connection ended by a limit");
}

/// Says why a connection ended early; hyper's errors quote nothing a client has sent.
fn log_end(error: &hyper::Error) {
    if error.is_timeout() {
        tracing::debug!(limit = "head_timeout", "connection ended by a limit");
    } else if error.is_parse_too_large() {
        tracing::debug!(limit = "head_bytes or header_count", "connection ended by a limit");
    } else {
        tracing::debug!(%error, "connection ended early");
    }
}

#[cfg(test)]
mod tests;
