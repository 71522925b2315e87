//! Streams: the requests of one HTTP/2 connection that are under way, and for how long none was.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::cap::Cap;
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
    /// What the connection itself takes up, for one request at a time.
    room: Arc<Semaphore>,
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
        let (state, room) = (Mutex::new(state), Arc::new(Semaphore::new(1)));
        Self(Arc::new(Shared { state, flow: Flow::default(), room }))
    }

    /// Counts a request until the last that has what is returned is dropped.
    pub(super) fn begin(&self) -> Arc<Stream> {
        let mut state = self.lock();
        state.open += 1;
        state.sending += 1;
        drop(state);
        let all = self.clone();
        Arc::new(Stream { all, flow: Flow::default(), room: OnceLock::new() })
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
    /// What it takes up: its connection's, or one of its own.
    room: OnceLock<OwnedSemaphorePermit>,
}

impl Stream {
    /// Waits for room: that of its connection, or, while another request has it, room of its own
    /// among all `connections`. It is kept to the end.
    ///
    /// A connection always has room for one, so whoever waits is never in the way of himself.
    pub(super) async fn take_room(&self, connections: &Cap) {
        let own = Arc::clone(&self.all.0.room);
        let room = tokio::select! {
            biased;
            room = own.acquire_owned() => room.ok(),
            room = connections.enter() => room,
        };
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
    pub(super) fn begin(&self) -> Arc<Stream> {
        let stream = self.streams.begin();
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&stream));
        stream
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
