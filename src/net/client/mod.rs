//! Requests to one upstream, over connections that are kept or over fresh ones.
//!
//! Not the pooled client of hyper-util: this one keeps the target's bytes as they are, decides by
//! itself which connection is fit for a request, and costs no boxed future and no task per request.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout};

use self::kept::Kept;
use self::sender::{Failed, Sender};
use crate::net::body::BoxError;
use crate::telemetry::metrics::Upstream;

mod connecting;
mod error;
mod kept;
mod noted;
mod route;
mod sender;

pub use error::ClientError;
pub use route::{Protocol, Route};
pub use sender::Share;

/// Limits of the connections to an upstream, and who counts them.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// How long it may take to resolve the name and connect, TLS included.
    pub connect_timeout: Duration,
    /// How long a connection without a request is kept; less than the upstream keeps it.
    pub idle_timeout: Duration,
    /// Where connections, answers and failures are counted; absent: nowhere.
    pub counts: Option<Upstream>,
}

impl Default for ClientSettings {
    /// 5 seconds to connect, 10 seconds kept, nothing counted.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(10),
            counts: None,
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
    route: Route,
    /// What `Host` says where a request has none.
    host: HeaderValue,
    settings: ClientSettings,
    /// Absent: no connection is kept.
    kept: Option<Arc<Kept<B>>>,
}

impl<B> Client<B>
where
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Default + Send + Unpin + 'static,
{
    /// Returns a client that keeps every connection for `idle_timeout`.
    ///
    /// A request no byte of which was sent, because its connection had been closed meanwhile, is
    /// sent over another. So is one that was sent, once, if it asks for nothing but an answer: the
    /// upstream may have closed the connection before it came (RFC 9112 §9.3.1).
    #[must_use]
    pub fn pooled(route: impl Into<Route>, settings: ClientSettings) -> Self {
        let kept = Kept::new(settings.idle_timeout);
        Self::new(route.into(), settings, Some(kept))
    }

    /// Returns a client that opens a connection for each request and keeps none.
    #[must_use]
    pub fn fresh(route: impl Into<Route>, settings: ClientSettings) -> Self {
        Self::new(route.into(), settings, None)
    }

    fn new(route: Route, settings: ClientSettings, kept: Option<Arc<Kept<B>>>) -> Self {
        let host = HeaderValue::from_str(&route.origin.authority())
            .unwrap_or_else(|_| HeaderValue::from_static("localhost"));
        Self { shared: Arc::new(Shared { route, host, settings, kept }) }
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
        if let (Err(error), Some(counts)) = (&answer, &self.shared.settings.counts) {
            counts.failed(error.silence());
        }
        answer
    }

    async fn exchange(&self, mut request: Request<B>) -> Result<Response<Incoming>, ClientError> {
        self.prepare(&mut request)?;
        let mut is_second = false;
        loop {
            let kept = self.shared.kept.as_ref().filter(|_| !is_second);
            let kept = kept.and_then(|kept| kept.take());
            let (mut connection, reused) = match kept {
                Some(connection) => (connection, true),
                None => (self.connect().await?, false),
            };
            let again = if reused { copy(&request) } else { None };
            let sent = self.shared.settings.counts.as_ref().map(|counts| (counts, Instant::now()));
            match connection.send(request).await {
                Ok(response) => {
                    if let Some((counts, sent)) = sent {
                        counts.answered(sent.elapsed());
                    }
                    // A part in a connection goes with the answer; the connection is kept already.
                    let is_part = reused && matches!(connection, Sender::Http2(..));
                    if response.status() != StatusCode::SWITCHING_PROTOCOLS
                        && !is_part
                        && let Some(kept) = &self.shared.kept
                    {
                        kept.keep(connection);
                    }
                    return Ok(response);
                }
                Err(Failed { unsent, error }) => match (unsent, again) {
                    (Some(unsent), _) if reused => request = unsent,
                    // Over one that goes on it would only be sent the same way again.
                    (None, Some(again)) if broke_off(&error) && connection.is_spent() => {
                        // Once, and over one that cannot have been closed meanwhile.
                        (request, is_second) = (again, true);
                    }
                    _ => return Err(error),
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

    async fn connect(&self) -> Result<Sender<B>, ClientError> {
        let Shared { route, settings, .. } = &*self.shared;
        let begun = Instant::now();
        let connected = timeout(settings.connect_timeout, route.connect());
        let connected = connected.await.map_err(|_| ClientError::ConnectTimeout)?;
        let connected = connected.map_err(ClientError::Connect)?.map_err(ClientError::Broken)?;
        if let Some(counts) = &settings.counts {
            counts.connected(begun.elapsed());
        }
        Ok(connected)
    }
}

impl<B> Clone for Client<B> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<B> fmt::Debug for Client<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("origin", &self.shared.route.origin).finish_non_exhaustive()
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
fn broke_off(error: &ClientError) -> bool {
    matches!(error, ClientError::Broken(error) if !error.is_parse())
}

#[cfg(test)]
mod tests;
