//! Taken: what of an answer over HTTP/2 is on its way, and when its client takes none of it.
//!
//! A client opens a window for each answer as it reads it. One that does not keeps what was read for
//! it waiting here, and the homeserver with it.

use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::ended::tell_untaken;
use super::streams::Stream;
use crate::net::idle::Idle;
use crate::telemetry::metrics::Connections;

/// Bytes given to a connection, and those it could send. Only their difference means something.
#[derive(Debug, Default)]
pub(super) struct Flow {
    given: AtomicUsize,
    taken: AtomicUsize,
}

impl Flow {
    pub(super) fn give(&self, count: usize) {
        self.given.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn take(&self, count: usize) {
        self.taken.fetch_add(count, Ordering::Relaxed);
    }

    /// Returns a number that changes whenever some are sent.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.given.load(Ordering::Relaxed) != self.taken()
    }
}

/// Bytes of an answer; its request is under way until they are sent.
pub(super) struct Given<D: Buf> {
    data: D,
    stream: Arc<Stream>,
}

impl<D: Buf> Given<D> {
    fn new(data: D, stream: &Arc<Stream>) -> Self {
        stream.give(data.remaining());
        Self { data, stream: Arc::clone(stream) }
    }
}

impl<D: Buf> Buf for Given<D> {
    fn remaining(&self) -> usize {
        self.data.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.data.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.data.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.data.advance(count);
        self.stream.take(count);
    }
}

impl<D: Buf> Drop for Given<D> {
    fn drop(&mut self) {
        self.stream.take(self.data.remaining());
    }
}

pin_project! {
    /// An answer's body; once all of it is sent the request is no longer under way.
    pub(super) struct Counted<B> {
        #[pin]
        body: B,
        stream: Arc<Stream>,
    }
}

impl<B> Counted<B> {
    pub(super) const fn new(body: B, stream: Arc<Stream>) -> Self {
        Self { body, stream }
    }
}

impl<B: Body> Body for Counted<B> {
    type Data = Given<B::Data>;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        let given = |frame: Frame<_>| frame.map_data(|data| Given::new(data, this.stream));
        Poll::Ready(frame.map(|frame| frame.map(given)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

pin_project! {
    /// What sends an answer. It ends, and with it the answer, when the client takes nothing.
    pub(super) struct Guarded<F> {
        #[pin]
        sending: F,
        stream: Arc<Stream>,
        idle: Idle,
        // What was taken when it moved last.
        taken: usize,
        counts: Connections,
    }

    impl<F> PinnedDrop for Guarded<F> {
        fn drop(this: Pin<&mut Self>) {
            this.project().stream.leave();
        }
    }
}

impl<F> Guarded<F> {
    pub(super) fn new(sending: F, stream: Arc<Stream>, idle: Idle, counts: Connections) -> Self {
        Self { sending, stream, idle, taken: 0, counts }
    }
}

impl<F: Future> Future for Guarded<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.sending.poll(cx) {
            return Poll::Ready(Some(output));
        }
        let flow = this.stream.flow();
        let taken = flow.taken();
        if !flow.is_waiting() || *this.taken != taken {
            *this.taken = taken;
            this.idle.moved();
        }
        if !flow.is_waiting() {
            return Poll::Pending;
        }
        ready!(this.idle.poll(cx));
        tell_untaken(this.counts);
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use bytes::Bytes;
    use http_body_util::BodyExt;
    use tokio::time::{Instant, sleep};

    use super::super::streams::Streams;
    use super::*;
    use crate::net::body;

    const LIMIT: Duration = Duration::from_mins(1);

    fn counts() -> Connections {
        crate::telemetry::Metrics::new().unwrap().public
    }

    /// Returns an answer of a hundred bytes, on its way.
    async fn given(stream: &Arc<Stream>) -> impl Buf + use<> {
        let mut body = Counted::new(body::Body::full(Bytes::from(vec![0; 100])), stream.clone());
        body.frame().await.unwrap().unwrap().into_data().ok().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_of_which_nothing_is_taken_ends() {
        let (begun, stream) = (Instant::now(), Streams::new().begin());
        let _data = given(&stream).await;
        let sending = Guarded::new(pending::<()>(), stream, Idle::new(LIMIT), counts());
        assert_eq!(sending.await, None);
        assert_eq!(begun.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_moves_a_little_lives() {
        let (begun, stream) = (Instant::now(), Streams::new().begin());
        let mut data = given(&stream).await;
        let taking = async move {
            for _ in 0..5 {
                sleep(LIMIT * 9 / 10).await;
                data.advance(1);
            }
            sleep(LIMIT * 9).await;
        };
        let sending = Guarded::new(taking, stream, Idle::new(LIMIT), counts());
        assert_eq!(sending.await, None);
        // It is asked when the alarm rings only, so it may have one limit more.
        assert!(begun.elapsed() > LIMIT * 5 && begun.elapsed() <= LIMIT * 7);
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_which_nothing_waits_may_be_silent() {
        let stream = Streams::new().begin();
        drop(given(&stream).await);
        let waiting = sleep(LIMIT * 100);
        let sending = Guarded::new(waiting, stream, Idle::new(LIMIT), counts());
        assert_eq!(sending.await, Some(()));
    }
}
