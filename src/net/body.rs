//! The bodies of messages: the one Body of our answers, and what passes through.

use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::leftover::Leftover;
use super::passing::Passing;
use super::segments::Segments;

/// Whatever a stranger's stream failed with.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a body did not reach its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Nothing came for this long while it was waited for.
    #[error("nothing came for {0:?}")]
    Idle(Duration),
    /// The stream broke off or was malformed.
    #[error("the stream broke off")]
    Broken(#[source] BoxError),
}

impl BodyError {
    /// Returns true if whoever sent the body has gone, rather than stopped, or sent nonsense.
    #[must_use]
    pub fn is_parting(&self) -> bool {
        let Self::Broken(error) = self else { return false };
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                return !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData);
            }
            cause = error.source();
        }
        true
    }
}

/// Why a body that should be small was not read.
#[derive(Debug, thiserror::Error)]
pub enum SmallError {
    /// It is larger than the limit, in bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// It did not reach its end.
    #[error("the body broke off")]
    Broken(#[source] BoxError),
}

/// The body of an answer: nothing, what we have in hand, or what passes through.
#[derive(Debug, Default)]
pub struct Body {
    content: Content,
    _guard: Option<Guard>,
}

#[derive(Debug, Default)]
enum Content {
    #[default]
    Empty,
    Full(Bytes),
    Passing(Passing<Leftover>),
    Within(Within),
}

/// A body that somebody else has put around one that passes.
struct Within(Pin<Box<dyn http_body::Body<Data = Segments, Error = BodyError> + Send>>);

/// Something that is dropped with a body.
struct Guard(#[expect(dead_code, reason = "kept for its drop")] Box<dyn Send>);

impl Body {
    /// Returns a body of no bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Returns a body of these bytes.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::from(if bytes.is_empty() { Content::Empty } else { Content::Full(bytes) })
    }

    /// Returns a body that passes through, without an idle limit.
    #[must_use]
    pub fn passing(body: Incoming) -> Self {
        Self::from(Passing::new(Leftover::lost(body)))
    }

    /// Returns a body that passes through, and in what it is wrapped.
    #[must_use]
    pub fn within(
        body: impl http_body::Body<Data = Segments, Error = BodyError> + Send + 'static,
    ) -> Self {
        Self::from(Content::Within(Within(Box::pin(body))))
    }

    /// Returns true if it is not one that passes through.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        !matches!(self.content, Content::Passing(_) | Content::Within(_))
    }

    /// Keeps something until the body is sent or given up.
    #[must_use]
    pub fn with_guard(self, guard: impl Send + 'static) -> Self {
        Self { content: self.content, _guard: Some(Guard(Box::new(guard))) }
    }
}

impl From<Content> for Body {
    fn from(content: Content) -> Self {
        Self { content, _guard: None }
    }
}

impl From<Passing<Leftover>> for Body {
    fn from(body: Passing<Leftover>) -> Self {
        Self::from(Content::Passing(body))
    }
}

impl std::fmt::Debug for Within {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Within")
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guard")
    }
}

impl http_body::Body for Body {
    type Data = Segments;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Segments>, BodyError>>> {
        let this = self.get_mut();
        match &mut this.content {
            Content::Empty => Poll::Ready(None),
            Content::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                this.content = Content::Empty;
                Poll::Ready(Some(Ok(Frame::data(Segments::from(bytes)))))
            }
            Content::Passing(body) => Pin::new(body).poll_frame(cx),
            Content::Within(body) => body.0.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Full(_) => false,
            Content::Passing(body) => body.is_end_stream(),
            Content::Within(body) => body.0.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Full(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Content::Passing(body) => body.size_hint(),
            Content::Within(body) => body.0.size_hint(),
        }
    }
}

/// Reads a whole body that should be small.
///
/// There is no limit on time; whoever has one puts it around this. Dropped half way, what was read
/// is lost.
///
/// # Errors
/// When it is larger than `limit` bytes or does not reach its end.
pub async fn small<B>(body: B, limit: usize) -> Result<Bytes, SmallError>
where
    B: http_body::Body<Error: Into<BoxError>>,
{
    #[expect(clippy::disallowed_methods, reason = "the one place where a body is gathered")]
    let gathered = Limited::new(body, limit).collect().await;
    gathered.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() {
            SmallError::TooLarge(limit)
        } else {
            SmallError::Broken(error)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body::Body as _;

    use super::*;

    #[tokio::test]
    async fn what_is_in_hand_has_a_length_and_an_end() {
        let body = Body::full("hello");
        assert_eq!(body.size_hint().exact(), Some(5));
        assert!(!body.is_end_stream());
        assert_eq!(small(body, 5).await.unwrap(), "hello");
        assert_eq!(Body::full("").size_hint().exact(), Some(0));
        assert!(Body::full("").is_end_stream() && Body::empty().is_end_stream());
    }

    #[tokio::test]
    async fn a_small_body_that_is_large_is_refused() {
        let refusal = small(Body::full("hello"), 4).await.unwrap_err();
        assert!(matches!(refusal, SmallError::TooLarge(4)));
    }

    #[tokio::test]
    async fn a_guard_lives_as_long_as_its_body() {
        let guard = Arc::new(());
        let body = Body::full("hello").with_guard(Arc::clone(&guard));
        assert_eq!(Arc::strong_count(&guard), 2);
        small(body, 5).await.unwrap();
        assert_eq!(Arc::strong_count(&guard), 1);
    }
}
