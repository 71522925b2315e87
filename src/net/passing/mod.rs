//! Passing: a body on its way through, in larger frames, and never idle for too long.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::net::body::{BodyError, BoxError};
use crate::net::hop;
use crate::net::idle::Idle;
use crate::net::segments::Segments;
use crate::telemetry::Access;

/// A frame that has grown to this size by joining goes out.
const JOINED_BYTES: usize = 256 * 1024;
/// A body of known length is not worth joining up to this size, in bytes.
const LARGE: u64 = 256 * 1024;
/// A frame is not made of more pieces than one `writev` takes.
const JOINED_PIECES: usize = 64;
/// How often the sender may run once more before a frame that could grow goes out.
const TURNS: u8 = 2;

/// A body on its way through.
///
/// Frames that are there at the same time are joined, without a copy: each frame costs a system call
/// on the other side, and a chunk where the length is unknown. Those of a small body of known length
/// pass as they are. Trailers and errors keep their place; after an error there is never an end.
pub struct Passing<B> {
    body: B,
    joining: bool,
    joined: Segments,
    /// How often the sender has run without adding to what is joined.
    turns: u8,
    /// What came after the frames that are joined.
    next: Next,
    idle: Option<Idle>,
    /// Who is told of bytes that come.
    access: Option<Arc<Access>>,
}

enum Next {
    Unknown,
    Trailers(Box<http::HeaderMap>),
    Error(BodyError),
    End,
}

impl<B> Passing<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    /// Lets a body pass.
    #[must_use]
    pub fn new(body: B) -> Self {
        let joining = body.size_hint().exact().is_none_or(|length| length > LARGE);
        let joined = Segments::new();
        Self { body, joining, joined, turns: 0, next: Next::Unknown, idle: None, access: None }
    }

    /// Tells `access` of the bytes of a request's body as they come.
    #[must_use]
    pub fn told(self, access: Option<Arc<Access>>) -> Self {
        Self { access, ..self }
    }

    /// Makes it an error when nothing comes for `limit` while it is waited for.
    ///
    /// Time in which nobody reads does not count.
    #[must_use]
    pub fn idle_limit(self, limit: Duration) -> Self {
        Self { idle: Some(Idle::new(limit)), ..self }
    }

    /// Takes in what the body has; returns a frame that is ready to go.
    fn take(&mut self, came: Option<Result<Frame<Bytes>, B::Error>>) -> Option<Segments> {
        match came {
            None => self.next = Next::End,
            Some(Err(error)) => self.next = Next::Error(BodyError::Broken(error.into())),
            Some(Ok(frame)) => match frame.into_data().inspect(|data| self.count(data)) {
                Ok(data) if self.joining => return self.join(data),
                Ok(data) => return Some(Segments::from(data)),
                Err(frame) => {
                    if let Ok(mut trailers) = frame.into_trailers() {
                        hop::trailers(&mut trailers);
                        self.next = Next::Trailers(Box::new(trailers));
                    }
                }
            },
        }
        None
    }

    fn count(&self, data: &Bytes) {
        if let Some(access) = &self.access {
            access.received(data.len());
        }
    }

    fn join(&mut self, data: Bytes) -> Option<Segments> {
        self.turns = 0;
        self.joined.push(data);
        let full = self.joined.len() >= JOINED_BYTES || self.joined.count() >= JOINED_PIECES;
        full.then(|| std::mem::take(&mut self.joined))
    }

    /// Returns what came after the frames that were joined, once they are gone.
    fn follow(&mut self) -> Option<Result<Frame<Segments>, BodyError>> {
        match std::mem::replace(&mut self.next, Next::Unknown) {
            Next::Unknown => None,
            Next::Trailers(trailers) => Some(Ok(Frame::trailers(*trailers))),
            Next::Error(error) => {
                self.fail();
                Some(Err(error))
            }
            Next::End => {
                self.next = Next::End;
                None
            }
        }
    }

    /// Whoever asks again after an error gets another, not an end.
    fn fail(&mut self) {
        self.next = Next::Error(BodyError::Broken("it had failed before".into()));
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        let Some(idle) = &mut self.idle else {
            return Poll::Pending;
        };
        ready!(idle.poll(cx));
        let limit = idle.limit;
        self.fail();
        Poll::Ready(BodyError::Idle(limit))
    }
}

impl<B> Body for Passing<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Segments;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Segments>, BodyError>>> {
        let this = self.get_mut();
        while matches!(this.next, Next::Unknown) {
            if let Poll::Ready(came) = Pin::new(&mut this.body).poll_frame(cx) {
                if let Some(idle) = &mut this.idle {
                    idle.moved();
                }
                if let Some(data) = this.take(came) {
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
            } else if this.joined.is_empty() {
                return this.wait(cx).map(|error| Some(Err(error)));
            } else if this.turns < TURNS {
                this.turns += 1;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            } else {
                break;
            }
        }
        this.turns = 0;
        if !this.joined.is_empty() {
            let data = std::mem::take(&mut this.joined);
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        Poll::Ready(this.follow())
    }

    fn is_end_stream(&self) -> bool {
        let ended = match self.next {
            Next::Unknown => self.body.is_end_stream(),
            Next::End => true,
            Next::Trailers(_) | Next::Error(_) => false,
        };
        ended && self.joined.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let joined = u64::try_from(self.joined.len()).unwrap_or(u64::MAX);
        if joined > 0 {
            let upper = hint.upper().map(|upper| upper.saturating_add(joined));
            hint.set_lower(0);
            if let Some(upper) = upper {
                hint.set_upper(upper);
            }
            hint.set_lower(joined);
        }
        hint
    }
}

impl<B: fmt::Debug> fmt::Debug for Passing<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passing").field("body", &self.body).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
