//! Streams: the requests of one HTTP/2 connection that are under way, and for how long none was.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::net::shutdown::Shutdown;

/// The requests of one connection. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Streams(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    open: usize,
    idle_since: Instant,
    /// The connection, to be told when none is left.
    connection: Option<Waker>,
}

impl Streams {
    pub(super) fn new() -> Self {
        let state = State { open: 0, idle_since: Instant::now(), connection: None };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Counts a request until what is returned is dropped.
    pub(super) fn begin(&self) -> Stream {
        self.lock().open += 1;
        Stream(self.clone())
    }

    /// Returns since when there is none; the task that asks is woken when the last one ends.
    pub(super) fn idle_since(&self, cx: &Context<'_>) -> Option<Instant> {
        let mut state = self.lock();
        if state.connection.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            state.connection = Some(cx.waker().clone());
        }
        (state.open == 0).then_some(state.idle_since)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Stream(Streams);

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open -= 1;
        if state.open == 0 {
            state.idle_since = Instant::now();
            if let Some(connection) = &state.connection {
                connection.wake_by_ref();
            }
        }
    }
}

pin_project! {
    /// An answer's body; with its end the request is no longer under way.
    pub(super) struct Counted<B> {
        #[pin]
        body: B,
        stream: Stream,
    }
}

impl<B> Counted<B> {
    pub(super) const fn new(body: B, stream: Stream) -> Self {
        Self { body, stream }
    }
}

impl<B: Body> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Runs the requests of a connection as tasks that the end of the process waits for, and cuts.
#[derive(Clone, Debug)]
pub(super) struct Tasks(pub(super) Shutdown);

impl<F> Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        drop(self.0.spawn(task));
    }
}
