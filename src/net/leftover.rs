//! Leftover: what nobody read of a body that came in, handed to whoever reads it away.
//!
//! A client that still sends while its body is dropped has its connection reset, and may never
//! read the answer that is on its way to it (RFC 9112 §9.6).

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// Takes what is left.
type Taker = Box<dyn FnOnce(Incoming) + Send>;

/// A body that came in. Dropped before its end, the rest goes to whoever was named for that.
pub struct Leftover {
    /// None once it has ended.
    body: Option<Incoming>,
    taker: Option<Taker>,
    /// Whether its sender may wait for a word to go on, which reading it would say (RFC 9110 §10.1.1).
    is_asking: bool,
}

impl Leftover {
    /// Returns a body whose rest goes to nobody.
    #[must_use]
    pub const fn lost(body: Incoming) -> Self {
        Self { body: Some(body), taker: None, is_asking: false }
    }

    /// Returns a body whose rest goes to `taker`; but not if its sender `is_asking` whether to send
    /// it, and was never told to.
    #[must_use]
    pub fn left_to(
        body: Incoming,
        is_asking: bool,
        taker: impl FnOnce(Incoming) + Send + 'static,
    ) -> Self {
        Self { body: Some(body), taker: Some(Box::new(taker)), is_asking }
    }
}

impl Body for Leftover {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        this.is_asking = false;
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            this.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        if let (Some(body), Some(taker), false) =
            (self.body.take(), self.taker.take(), self.is_asking)
            && !body.is_end_stream()
        {
            taker(body);
        }
    }
}

impl fmt::Debug for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leftover").field("body", &self.body).finish_non_exhaustive()
    }
}
