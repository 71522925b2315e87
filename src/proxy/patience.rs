//! Patience: how long the homeserver may take from the end of a request to the head of its answer.
//!
//! `response_head_timeout`; without it as long as the client waits, as long polls have it.

use std::future::pending;

use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::Proxy;
use super::rejection::Rejection;
use crate::net::{Body, ClientError};
use crate::telemetry::labels::Silence;
use crate::telemetry::metrics::Upstream;

/// The homeserver's word, or that there is none.
pub(super) type Answer = Result<Response<Incoming>, ClientError>;

impl Proxy {
    /// Sends a request that passes, and waits for the head of its answer; an upgrade waits for ever.
    ///
    /// # Errors
    /// When none came, or not in time.
    pub(super) async fn ask_in_time(
        &self,
        request: Request<Body>,
        is_upgrade: bool,
    ) -> Result<Response<Incoming>, Rejection> {
        let unlimited = is_upgrade || self.limits().response_head_timeout.is_none();
        let answer = if unlimited {
            self.0.kept.request(request).await
        } else {
            let (request, end) = with_end(request);
            let late = async {
                // Nothing more is sent of it, whatever is said.
                let _ = end.await;
                self.too_late(&self.metrics().passing).await
            };
            tokio::select! {
                biased;
                answer = self.0.kept.request(request) => answer,
                rejection = late => return Err(rejection),
            }
        };
        answer.map_err(|error| Rejection::from_client(&error))
    }

    /// Waits until an answer is late, from now on; `counts` is told.
    pub(super) async fn too_late(&self, counts: &Upstream) -> Rejection {
        match self.limits().response_head_timeout {
            Some(limit) => sleep(limit).await,
            None => pending().await,
        }
        counts.failed(Silence::ResponseHeadTimeout);
        tracing::warn!(limit = "response_head_timeout", "homeserver did not answer in time");
        Rejection::UpstreamLate
    }
}

/// Returns the request, and what ends when nothing more of it is to be sent.
fn with_end(request: Request<Body>) -> (Request<Body>, oneshot::Receiver<()>) {
    let (rest, end) = oneshot::channel();
    if request.body().is_end_stream() {
        return (request, end);
    }
    (request.map(|body| body.with_guard(rest)), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_ends_with_its_body() {
        let (request, mut end) = with_end(Request::new(Body::full("x")));
        assert_eq!(end.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        drop(request);
        assert!(end.await.is_err());
        let (_request, end) = with_end(Request::new(Body::empty()));
        assert!(end.await.is_err());
    }
}
