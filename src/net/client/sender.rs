//! Sender: one connection to the upstream, for one request at a time or for many.

use std::sync::Arc;

use http::header::{CONNECTION, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};

use super::error::ClientError;
use super::noted::{Fault, Noted};
use crate::net::body::BoxError;

/// The most requests at the same time over one HTTP/2 connection: no server allows fewer unless
/// it has to (RFC 9113 §6.5.2).
pub(super) const STREAMS: u32 = 100;

/// One connection.
pub(super) enum Sender<B> {
    Http1(http1::SendRequest<B>),
    Http2(http2::SendRequest<Noted<B>>, Share),
}

/// Why a request got no answer, and the request itself if no byte of it was sent.
pub(super) struct Failed<B> {
    pub(super) unsent: Option<Request<B>>,
    pub(super) error: ClientError,
}

/// A part in an HTTP/2 connection; it counts as long as it, or an answer that has it, is there.
///
/// It goes with an answer as one of its extensions, and has to be kept with its body.
#[derive(Clone, Debug)]
pub struct Share(Arc<()>);

impl Share {
    pub(super) fn first() -> Self {
        Self(Arc::new(()))
    }
}

impl<B> Sender<B> {
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender, _) => sender.is_closed(),
        }
    }

    /// Returns whether it takes a request now.
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_ready(),
            // One part is that of the pool.
            Self::Http2(sender, share) => {
                let parts = Arc::strong_count(&share.0).saturating_sub(1);
                sender.is_ready() && u32::try_from(parts).is_ok_and(|parts| parts < STREAMS)
            }
        }
    }

    /// Returns whether a request or its answer is under way over HTTP/2; over HTTP/1.1 one that is
    /// kept knows by itself.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Http2(_, share) if Arc::strong_count(&share.0) > 1)
    }

    /// Returns whether it takes no further request: after a failure over HTTP/1.1 it never does.
    pub(super) fn is_spent(&self) -> bool {
        matches!(self, Self::Http1(_)) || self.is_closed()
    }

    /// Returns another hold of the same connection, if it takes several requests.
    pub(super) fn another(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(sender, share) => Some(Self::Http2(sender.clone(), share.clone())),
        }
    }
}

impl<B> Sender<B>
where
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    /// Sends a request and waits for the answer's head.
    pub(super) async fn send(
        &mut self,
        request: Request<B>,
    ) -> Result<Response<Incoming>, Failed<B>> {
        match self {
            Self::Http1(sender) => sender.try_send_request(request).await.map_err(|mut failed| {
                let unsent = failed.take_message();
                Failed { unsent, error: ClientError::sent_in_vain(failed.into_error()) }
            }),
            Self::Http2(sender, share) => {
                let fault = Fault::default();
                let request = for_http2(request).map(|body| Noted::new(body, fault.clone()));
                let sent = sender.try_send_request(request).await;
                let mut response = sent.map_err(|mut failed| {
                    let unsent = failed.take_message().map(|unsent| unsent.map(Noted::into_inner));
                    let error = match fault.take() {
                        Some(fault) => ClientError::Body(fault),
                        None => ClientError::sent_in_vain(failed.into_error()),
                    };
                    Failed { unsent, error }
                })?;
                response.extensions_mut().insert(share.clone());
                Ok(response)
            }
        }
    }
}

/// Says in HTTP/2's words where a request goes (RFC 9113 §8.3.1).
fn for_http2<B>(mut request: Request<B>) -> Request<B> {
    let host = request.headers_mut().remove(HOST);
    // It would have what it names taken away, `TE: trailers` too, which may pass.
    request.headers_mut().remove(CONNECTION);
    let authority = host.as_ref().map(HeaderValue::as_bytes).map(Authority::try_from);
    if let (Some(Ok(authority)), Some(path)) = (authority, request.uri().path_and_query().cloned())
    {
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path);
        if let Ok(uri) = uri.build() {
            *request.uri_mut() = uri;
        }
    }
    request
}
