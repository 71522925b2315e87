//! Noted: a request's body over HTTP/2, and how it failed.
//!
//! A connection says of a request whose body failed only that it was given up; whether that was the
//! upstream's doing, or that of whoever sends the body, is noted here.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};

use crate::net::body::BoxError;

/// How a body failed, if it did. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault(Arc<Mutex<Option<BoxError>>>);

impl Fault {
    fn note(&self, error: BoxError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub(super) fn take(&self) -> Option<BoxError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body whose failure is noted.
pub(super) struct Noted<B> {
    body: B,
    fault: Fault,
}

impl<B> Noted<B> {
    pub(super) const fn new(body: B, fault: Fault) -> Self {
        Self { body, fault }
    }

    pub(super) fn into_inner(self) -> B {
        self.body
    }
}

impl<B> Body for Noted<B>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.get_mut();
        Pin::new(&mut this.body).poll_frame(cx).map_err(|error| {
            this.fault.note(error.into());
            "the request body broke off".into()
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
