//! Streams: the requests of one HTTP/2 connection that are under way, and for how long none was.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::taken::{Flow, Guarded};
use crate::net::idle::Idle;
use crate::net::shutdown::Shutdown;
use crate::telemetry::metrics::Connections;

/// The requests of one connection. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Streams(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// What of all answers is on its way.
    flow: Flow,
}

#[derive(Debug)]
struct State {
    /// Requests under way, and answers that are not all sent.
    open: usize,
    /// Those of them that somebody sends still.
    sending: usize,
    idle_since: Instant,
    /// The connection, to be told when none is left.
    connection: Option<Waker>,
}

impl State {
    fn wake(&self) {
        if let Some(connection) = &self.connection {
            connection.wake_by_ref();
        }
    }
}

impl Streams {
    pub(super) fn new() -> Self {
        let state = State { open: 0, sending: 0, idle_since: Instant::now(), connection: None };
        Self(Arc::new(Shared { state: Mutex::new(state), flow: Flow::default() }))
    }

    /// Counts a request until the last that has what is returned is dropped; tells whether there
    /// are others beside it.
    pub(super) fn begin(&self) -> (Arc<Stream>, bool) {
        let mut state = self.lock();
        let is_beside = state.open > 0;
        state.open += 1;
        state.sending += 1;
        drop(state);
        let stream = Stream { all: self.clone(), flow: Flow::default(), room: OnceLock::new() };
        (Arc::new(stream), is_beside)
    }

    /// Returns since when there is none; the task that asks is woken when the last one ends.
    pub(super) fn idle_since(&self, cx: &Context<'_>) -> Option<Instant> {
        let mut state = self.lock();
        if state.connection.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            state.connection = Some(cx.waker().clone());
        }
        (state.open == 0).then_some(state.idle_since)
    }

    /// Returns what of all answers is on its way, if that is all there is: nobody is left who could
    /// take an answer back.
    pub(super) fn remains(&self) -> Option<&Flow> {
        let flow = &self.0.flow;
        (flow.is_waiting() && self.lock().sending == 0).then_some(flow)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way, to the last byte of its answer.
#[derive(Debug)]
pub(super) struct Stream {
    all: Streams,
    flow: Flow,
    /// What it takes up among all connections and requests.
    room: OnceLock<OwnedSemaphorePermit>,
}

impl Stream {
    /// Keeps this room to its end.
    pub(super) fn takes(&self, room: Option<OwnedSemaphorePermit>) {
        if let Some(room) = room {
            // Asked for once.
            let _ = self.room.set(room);
        }
    }

    pub(super) fn give(&self, count: usize) {
        self.flow.give(count);
        self.all.0.flow.give(count);
    }

    pub(super) fn take(&self, count: usize) {
        self.flow.take(count);
        self.all.0.flow.take(count);
    }

    /// Returns what of its answer is on its way.
    pub(super) const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// Says that nobody sends its answer any more; what was given of it may still be on its way.
    pub(super) fn leave(&self) {
        let mut state = self.all.lock();
        state.sending = state.sending.saturating_sub(1);
        if state.sending == 0 {
            state.wake();
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = self.all.lock();
        state.open -= 1;
        if state.open == 0 {
            state.idle_since = Instant::now();
            state.wake();
        }
    }
}

/// Runs the requests of a connection as tasks that the end of the process waits for, and cuts, as it
/// does a client that takes nothing.
#[derive(Clone, Debug)]
pub(super) struct Tasks {
    pub(super) shutdown: Shutdown,
    pub(super) streams: Streams,
    pub(super) send_idle_timeout: Duration,
    pub(super) counts: Connections,
    /// The request whose task is begun next.
    pub(super) next: Arc<Mutex<Option<Arc<Stream>>>>,
}

impl Tasks {
    /// Counts a request whose task begins with the next call of `execute`.
    pub(super) fn begin(&self) -> (Arc<Stream>, bool) {
        let (stream, is_beside) = self.streams.begin();
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&stream));
        (stream, is_beside)
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner).take();
        match next {
            Some(stream) => {
                let idle = Idle::new(self.send_idle_timeout);
                let task = Guarded::new(task, stream, idle, self.counts.clone());
                drop(self.shutdown.spawn(task));
            }
            None => drop(self.shutdown.spawn(task)),
        }
    }
}
