//! Watched: an answer's body on its way out, counted for the access log where there is one.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};

use crate::telemetry::{Access, End};

/// A body that tells the access log how much of it went out, and how it ended: when it is dropped
/// before its end, the client has left. Costs nothing where nobody is to be told.
#[derive(Debug)]
pub struct Watched<B: Body + Unpin> {
    body: B,
    access: Option<Arc<Access>>,
}

impl<B: Body + Unpin> Watched<B> {
    /// Returns `body`, of which `access` is told.
    #[must_use]
    pub const fn new(body: B, access: Option<Arc<Access>>) -> Self {
        Self { body, access }
    }

    fn tell(&mut self, end: End) {
        if let Some(access) = self.access.take() {
            access.ended(end);
        }
    }
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        if let Some(access) = &this.access {
            match &frame {
                Poll::Pending => {}
                Poll::Ready(Some(Ok(frame))) => {
                    access.sent(frame.data_ref().map_or(0, Buf::remaining));
                }
                Poll::Ready(Some(Err(_))) => this.tell(End::Broken),
                Poll::Ready(None) => this.tell(End::Complete),
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body of which the last byte was taken is not always asked for its end.
impl<B: Body + Unpin> Drop for Watched<B> {
    fn drop(&mut self) {
        if self.body.is_end_stream() {
            self.tell(End::Complete);
        }
    }
}
