//! Drain: reads away, bounded, a body nobody wants any more, so that the answer arrives.
//!
//! A server that closes a connection while the client still sends makes the client's kernel
//! throw the answer away (RFC 9112 §9.6). So the answer goes out at once, and what still comes is
//! read and dropped beside it.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, EXPECT, HeaderValue};
use http::request::Parts;
use http::{Response, Version};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::rejection::Rejection;
use super::{Limits, Proxy};
use crate::net::{Body, Leftover};
use crate::telemetry::Access;

/// How long a client may be silent that was to wait for 100 Continue: what it sent before it read
/// the refusal is on its way.
const IN_FLIGHT: Duration = Duration::from_secs(1);

impl Proxy {
    /// Answers a request we do not forward; its body is read away in the background.
    pub(super) fn refuse(
        &self,
        rejection: Rejection,
        head: &Parts,
        body: Incoming,
    ) -> Response<Body> {
        let mut response = rejection.into_response(self.settings());
        if !may_wait(head) || body.is_end_stream() {
            self.read_away(head, body);
            return response;
        }
        // It may send the body all the same, having waited for long enough, or leave it out (RFC 9110
        // §10.1.1): so this is the last answer, and what comes is read once that is on its way.
        // Before, reading would tell it to go on.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let (unanswered, answered) = oneshot::channel::<()>();
        let limits = *self.limits();
        let access = access_of(head);
        let reading = async move {
            // Dropped with the answer's body.
            let _ = answered.await;
            drain(body, limits, IN_FLIGHT, access).await;
        };
        drop(self.0.shared.shutdown.spawn(reading));
        response.map(|body| body.with_guard(unanswered))
    }

    /// Reads away, in the background, the body of a request that we answer ourselves.
    pub(super) fn read_away(&self, head: &Parts, body: Incoming) {
        // Reading would tell it to go on.
        if !may_wait(head) {
            self.drain(body, access_of(head));
        }
    }

    /// Returns a body that passes, of which the rest is read away when the homeserver answers before
    /// it has come, and takes no more.
    pub(super) fn read_to_the_end(
        &self,
        body: Incoming,
        is_asking: bool,
        access: Option<&Arc<Access>>,
    ) -> Leftover {
        if body.is_end_stream() {
            return Leftover::lost(body);
        }
        let (proxy, access) = (self.clone(), access.cloned());
        Leftover::left_to(body, is_asking, move |rest| {
            // Where no runtime is left, the connection is going too.
            if Handle::try_current().is_ok() {
                proxy.drain(rest, access);
            }
        })
    }

    /// Reads away what still comes of `body`; `access` is told how much.
    pub(super) fn drain(&self, body: Incoming, access: Option<Arc<Access>>) {
        if !body.is_end_stream() {
            let limits = *self.limits();
            drop(self.0.shared.shutdown.spawn(drain(body, limits, limits.drain_timeout, access)));
        }
    }
}

/// Returns whether a client may wait for 100 Continue; over HTTP/2 it is never sent.
fn may_wait(head: &Parts) -> bool {
    head.version != Version::HTTP_2 && head.headers.contains_key(EXPECT)
}

fn access_of(head: &Parts) -> Option<Arc<Access>> {
    head.extensions.get::<Arc<Access>>().cloned()
}

/// Ends at the end of the body, at `drain_bytes`, after `drain_timeout`, when nothing comes for
/// `silence`, or when the client is gone.
async fn drain(mut body: Incoming, limits: Limits, silence: Duration, access: Option<Arc<Access>>) {
    let read = async {
        let mut left = limits.drain_bytes;
        while let Ok(Some(Ok(frame))) = timeout(silence, body.frame()).await {
            let size = frame.data_ref().map_or(0, bytes::Bytes::len);
            if let Some(access) = &access {
                access.received(size);
            }
            let Some(rest) = left.checked_sub(u64::try_from(size).unwrap_or(u64::MAX)) else {
                tracing::debug!(limit = "drain_bytes", "refused body cut");
                return;
            };
            left = rest;
        }
    };
    if timeout(limits.drain_timeout, read).await.is_err() {
        tracing::debug!(limit = "drain_timeout", "refused body cut");
    }
}
