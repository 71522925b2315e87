//! Requests to one upstream, over connections that are kept or over fresh ones.
//!
//! Not the pooled client of hyper-util: this one keeps the target's bytes as they are, decides by
//! itself which connection is fit for a request, and costs no boxed future and no task per request.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::header::HOST;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep_until, timeout};

use crate::net::address::Origin;
use crate::net::body::{BodyError, BoxError};
use crate::net::parting::Parting;
use crate::net::server::BUFFER;
use crate::net::tls::Tls;
use crate::net::vanishing::cut_vanished;
use crate::telemetry::labels::Silence;
use crate::telemetry::metrics::Upstream;

/// The most kept connections a request looks at before it opens one of its own.
const LOOKED_AT: usize = 32;

/// Limits of the connections to an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// How long it may take to resolve the name and connect, TLS included.
    pub connect_timeout: Duration,
    /// How long a connection without a request is kept; less than the upstream keeps it.
    pub idle_timeout: Duration,
}

impl Default for ClientSettings {
    /// 5 seconds to connect, 10 seconds kept.
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5), idle_timeout: Duration::from_secs(10) }
    }
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody could be reached; nothing was sent.
    #[error("failed to connect")]
    Connect(#[source] io::Error),
    /// Connecting took longer than `connect_timeout`; nothing was sent.
    #[error("failed to connect in time")]
    ConnectTimeout,
    /// The request's own body failed half way: not the upstream's fault.
    #[error("the request body broke off")]
    Body(#[source] hyper::Error),
    /// The connection broke, or what came over it was not HTTP.
    #[error("the other side broke off the exchange")]
    Broken(#[source] hyper::Error),
}

impl ClientError {
    /// Returns true if whoever sent the request's body has gone.
    #[must_use]
    pub fn is_parting(&self) -> bool {
        let Self::Body(error) = self else { return false };
        let cause = std::error::Error::source(error);
        cause.and_then(|cause| cause.downcast_ref()).is_some_and(BodyError::is_parting)
    }

    /// Returns what it is counted as.
    const fn silence(&self) -> Silence {
        match self {
            Self::Connect(_) => Silence::Connect,
            Self::ConnectTimeout => Silence::ConnectTimeout,
            Self::Body(_) => Silence::Body,
            Self::Broken(_) => Silence::Broken,
        }
    }
}

/// Requests to one upstream. Clones share their connections.
///
/// Belongs to one runtime: its connections are tasks of the runtime that made them.
pub struct Client<B> {
    shared: Arc<Shared<B>>,
}

struct Shared<B> {
    origin: Origin,
    /// Absent: in the clear.
    tls: Option<Tls>,
    /// What `Host` says where a request has none.
    host: HeaderValue,
    settings: ClientSettings,
    protocol: http1::Builder,
    /// Absent: no connection is kept.
    kept: Option<Mutex<Kept<B>>>,
    /// Absent: nobody counts.
    counts: Option<Upstream>,
}

/// Connections for further requests, the oldest first. Some may still be busy with an answer's body.
struct Kept<B> {
    connections: VecDeque<(SendRequest<B>, Instant)>,
    /// Whether a task watches over their age.
    watched: bool,
}

impl<B> Client<B>
where
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Default + Send + Unpin + 'static,
{
    /// Returns a client that keeps every connection for `idle_timeout`.
    ///
    /// A request no byte of which was sent, because its connection had been closed meanwhile, is
    /// sent over another. So is one that was sent, if it asks for nothing but an answer: the
    /// upstream may have closed the connection before it came (RFC 9112 §9.3.1).
    #[must_use]
    pub fn pooled(origin: Origin, settings: ClientSettings) -> Self {
        let kept = Kept { connections: VecDeque::new(), watched: false };
        Self::new(origin, None, settings, Some(Mutex::new(kept)), None)
    }

    /// Returns a client that opens a connection for each request and keeps none.
    #[must_use]
    pub fn fresh(origin: Origin, settings: ClientSettings) -> Self {
        Self::new(origin, None, settings, None, None)
    }

    /// Like [`Client::pooled`], with everything counted.
    #[must_use]
    pub fn pooled_counted(origin: Origin, settings: ClientSettings, counts: Upstream) -> Self {
        let kept = Kept { connections: VecDeque::new(), watched: false };
        Self::new(origin, None, settings, Some(Mutex::new(kept)), Some(counts))
    }

    /// Like [`Client::fresh`], with everything counted.
    #[must_use]
    pub fn fresh_counted(origin: Origin, settings: ClientSettings, counts: Upstream) -> Self {
        Self::new(origin, None, settings, None, Some(counts))
    }

    /// Like [`Client::fresh`], over TLS; a Unix socket is spoken to in the clear all the same.
    #[must_use]
    pub fn fresh_over(tls: Tls, origin: Origin, settings: ClientSettings) -> Self {
        Self::new(origin, Some(tls), settings, None, None)
    }

    /// Like [`Client::pooled`], over TLS; a Unix socket is spoken to in the clear all the same.
    #[must_use]
    pub fn pooled_over(tls: Tls, origin: Origin, settings: ClientSettings) -> Self {
        let kept = Kept { connections: VecDeque::new(), watched: false };
        Self::new(origin, Some(tls), settings, Some(Mutex::new(kept)), None)
    }

    fn new(
        origin: Origin,
        tls: Option<Tls>,
        settings: ClientSettings,
        kept: Option<Mutex<Kept<B>>>,
        counts: Option<Upstream>,
    ) -> Self {
        let host = HeaderValue::from_str(&origin.authority())
            .unwrap_or_else(|_| HeaderValue::from_static("localhost"));
        let mut protocol = http1::Builder::new();
        protocol.max_buf_size(BUFFER);
        Self { shared: Arc::new(Shared { origin, tls, host, settings, protocol, kept, counts }) }
    }

    /// Sends a request and returns the answer's head; its body follows as it is read.
    ///
    /// Path and query go out byte for byte, `Host` as given. There is no limit on waiting for the
    /// answer: whoever has one puts it around this. Dropped before the answer, the connection is closed.
    ///
    /// # Errors
    /// When no answer came; see [`ClientError`] for what had been sent by then.
    pub async fn request(&self, request: Request<B>) -> Result<Response<Incoming>, ClientError> {
        let answer = self.exchange(request).await;
        if let (Err(error), Some(counts)) = (&answer, &self.shared.counts) {
            counts.failed(error.silence());
        }
        answer
    }

    async fn exchange(&self, mut request: Request<B>) -> Result<Response<Incoming>, ClientError> {
        self.prepare(&mut request)?;
        loop {
            let (mut connection, reused) = match self.take_kept() {
                Some(connection) => (connection, true),
                None => (self.connect().await?, false),
            };
            let again = if reused { copy(&request) } else { None };
            let sent = self.shared.counts.as_ref().map(|counts| (counts, Instant::now()));
            match connection.try_send_request(request).await {
                Ok(response) => {
                    if let Some((counts, sent)) = sent {
                        counts.answered(sent.elapsed());
                    }
                    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                        self.keep(connection);
                    }
                    return Ok(response);
                }
                Err(mut failed) => match (failed.take_message(), again) {
                    (Some(unsent), _) if reused => request = unsent,
                    (None, Some(again)) if broke_off(failed.error()) => request = again,
                    _ => return Err(sent_in_vain(failed.into_error())),
                },
            }
        }
    }

    /// Brings a request into the form a connection takes.
    fn prepare(&self, request: &mut Request<B>) -> Result<(), ClientError> {
        let target = request.uri().path_and_query();
        let (Some(target), false) = (target, request.method() == Method::CONNECT) else {
            let refusal = "a request for a tunnel has no path to ask for";
            return Err(ClientError::Connect(io::Error::new(io::ErrorKind::Unsupported, refusal)));
        };
        if request.uri().authority().is_some() {
            *request.uri_mut() = Uri::from(target.clone());
        }
        *request.version_mut() = Version::HTTP_11;
        request.headers_mut().entry(HOST).or_insert_with(|| self.shared.host.clone());
        Ok(())
    }

    async fn connect(&self) -> Result<SendRequest<B>, ClientError> {
        let attempt = timeout(self.shared.settings.connect_timeout, async {
            match &self.shared.origin {
                Origin::Tcp { host, port } => {
                    let stream = TcpStream::connect((host.as_str(), *port)).await?;
                    stream.set_nodelay(true)?;
                    cut_vanished(&stream)?;
                    match &self.shared.tls {
                        Some(tls) => Ok(self.speak(tls.over(stream, host).await?).await),
                        None => Ok(self.speak(stream).await),
                    }
                }
                Origin::Unix(path) => Ok(self.speak(UnixStream::connect(path).await?).await),
            }
        });
        let begun = Instant::now();
        let connected = attempt.await.map_err(|_| ClientError::ConnectTimeout)?;
        let connected = connected.map_err(ClientError::Connect)?.map_err(ClientError::Broken)?;
        if let Some(counts) = &self.shared.counts {
            counts.connected(begun.elapsed());
        }
        Ok(connected)
    }

    async fn speak<T>(&self, stream: T) -> Result<SendRequest<B>, hyper::Error>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) =
            self.shared.protocol.handshake(TokioIo::new(Parting::new(stream))).await?;
        // Ends when the sender is dropped and its last answer is read, or with the runtime.
        drop(tokio::spawn(async {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "upstream connection ended early");
            }
        }));
        Ok(sender)
    }

    /// Takes the youngest kept connection that is ready for a request.
    fn take_kept(&self) -> Option<SendRequest<B>> {
        let mut kept = lock(self.shared.kept.as_ref()?);
        let oldest = Instant::now().checked_sub(self.shared.settings.idle_timeout);
        for _ in 0..LOOKED_AT.min(kept.connections.len()) {
            let (connection, since) = kept.connections.pop_back()?;
            if connection.is_closed() || oldest.is_some_and(|oldest| since < oldest) {
                continue;
            }
            if connection.is_ready() {
                return Some(connection);
            }
            kept.connections.push_front((connection, since));
        }
        None
    }

    /// Keeps a connection from the answer's head on: it is taken again only once it is ready.
    fn keep(&self, connection: SendRequest<B>) {
        let Some(kept) = &self.shared.kept else {
            return;
        };
        let mut kept = lock(kept);
        kept.connections.push_back((connection, Instant::now()));
        if !kept.watched {
            kept.watched = true;
            drop(tokio::spawn(close_idle(Arc::downgrade(&self.shared))));
        }
    }
}

/// Closes connections as they reach `idle_timeout`, until none is left.
async fn close_idle<B>(shared: Weak<Shared<B>>) {
    loop {
        let Some(next) = shared.upgrade().and_then(|shared| shared.close_old()) else {
            return;
        };
        sleep_until(next).await;
    }
}

impl<B> Shared<B> {
    /// Closes what is too old; returns when to look again.
    fn close_old(&self) -> Option<Instant> {
        let now = Instant::now();
        let idle_timeout = self.settings.idle_timeout;
        let mut kept = lock(self.kept.as_ref()?);
        kept.connections.retain(|(connection, since)| {
            !connection.is_closed() && now.duration_since(*since) < idle_timeout
        });
        let oldest = kept.connections.iter().map(|(_, since)| *since).min();
        kept.watched = oldest.is_some();
        Some(oldest? + idle_timeout)
    }
}

impl<B> Clone for Client<B> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<B> fmt::Debug for Client<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("origin", &self.shared.origin).finish_non_exhaustive()
    }
}

/// Returns the same request, if it may be sent twice: it changes nothing and has no body.
fn copy<B>(request: &Request<B>) -> Option<Request<B>>
where
    B: http_body::Body + Default,
{
    if !request.method().is_safe() || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(B::default());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

/// Returns whether a connection ended without an answer, rather than with one that is none.
fn broke_off(error: &hyper::Error) -> bool {
    !error.is_parse() && !error.is_user()
}

fn sent_in_vain(error: hyper::Error) -> ClientError {
    if error.is_user() { ClientError::Body(error) } else { ClientError::Broken(error) }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
