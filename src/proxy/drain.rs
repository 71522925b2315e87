//! Drain: reads away, bounded, a body nobody wants any more, so that the answer arrives.
//!
//! A server that closes a connection while the client still sends makes the client's kernel
//! throw the answer away (RFC 9112 §9.6). So the answer goes out at once, and what still comes is
//! read and dropped beside it.

use std::sync::Arc;

use http::Response;
use http::header::EXPECT;
use http::request::Parts;
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::rejection::Rejection;
use super::{Limits, Proxy};
use crate::net::{Body, Leftover};
use crate::telemetry::Access;

impl Proxy {
    /// Answers a request we do not forward; its body is read away in the background.
    pub(super) fn refuse(
        &self,
        rejection: Rejection,
        head: &Parts,
        body: Incoming,
    ) -> Response<Body> {
        self.read_away(head, body);
        rejection.into_response(self.settings())
    }

    /// Reads away, in the background, the body of a request that we answer ourselves.
    pub(super) fn read_away(&self, head: &Parts, body: Incoming) {
        // A client that waits for 100 Continue sends nothing after a refusal (RFC 9110 §10.1.1),
        // and reading would tell it to go on.
        if !head.headers.contains_key(EXPECT) {
            self.drain(body, head.extensions.get::<Arc<Access>>().cloned());
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
            drop(self.0.shared.shutdown.spawn(drain(body, *self.limits(), access)));
        }
    }
}

/// Ends at the end of the body, at `drain_bytes`, after `drain_timeout`, or when the client is gone.
async fn drain(mut body: Incoming, limits: Limits, access: Option<Arc<Access>>) {
    let read = async {
        let mut left = limits.drain_bytes;
        while let Some(Ok(frame)) = body.frame().await {
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
