//! Kept: connections that wait for further requests, and how long they do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::sender::Sender;

/// The most kept connections a request looks at before it opens one of its own.
const LOOKED_AT: usize = 32;
/// The shortest time between two looks for connections that are idle.
const SOON: Duration = Duration::from_millis(100);

/// Connections that are kept, each for `idle_timeout`.
pub(super) struct Kept<B> {
    idle_timeout: Duration,
    state: Mutex<State<B>>,
}

struct State<B> {
    /// The oldest first. Some may still be busy with an answer's body.
    connections: VecDeque<(Sender<B>, Instant)>,
    /// Whether a task watches over their age.
    watched: bool,
}

impl<B> Kept<B> {
    pub(super) fn new(idle_timeout: Duration) -> Arc<Self> {
        let state = State { connections: VecDeque::new(), watched: false };
        Arc::new(Self { idle_timeout, state: Mutex::new(state) })
    }

    /// Takes the youngest connection that is ready for a request, or a part in it.
    pub(super) fn take(&self) -> Option<Sender<B>> {
        let mut state = self.lock();
        let oldest = Instant::now().checked_sub(self.idle_timeout);
        for _ in 0..LOOKED_AT.min(state.connections.len()) {
            let (connection, since) = state.connections.pop_back()?;
            let is_old = oldest.is_some_and(|oldest| since < oldest);
            if connection.is_closed() || (is_old && !connection.is_shared()) {
                continue;
            }
            if connection.is_ready() {
                if let Some(part) = connection.another() {
                    state.connections.push_back((connection, Instant::now()));
                    return Some(part);
                }
                return Some(connection);
            }
            state.connections.push_front((connection, since));
        }
        None
    }

    /// Closes what is too old; returns when to look again.
    fn close_old(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.lock();
        state.connections.retain(|(connection, since)| {
            !connection.is_closed()
                && (connection.is_shared() || now.duration_since(*since) < self.idle_timeout)
        });
        let oldest = state.connections.iter().map(|(_, since)| *since).min();
        state.watched = oldest.is_some();
        // One that is shared may be older; it is looked at again, but not at once.
        Some((oldest? + self.idle_timeout).max(now + SOON))
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Send + 'static> Kept<B> {
    /// Keeps a connection from the answer's head on: it is taken again only once it is ready.
    pub(super) fn keep(self: &Arc<Self>, connection: Sender<B>) {
        let mut state = self.lock();
        state.connections.push_back((connection, Instant::now()));
        if !state.watched {
            state.watched = true;
            drop(tokio::spawn(close_idle(Arc::downgrade(self))));
        }
    }
}

/// Closes connections as they reach `idle_timeout`, until none is left.
async fn close_idle<B>(kept: Weak<Kept<B>>) {
    loop {
        let Some(next) = kept.upgrade().and_then(|kept| kept.close_old()) else {
            return;
        };
        sleep_until(next).await;
    }
}
