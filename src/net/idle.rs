//! Idle: how long something may not move, asked for at a cost of next to nothing while it does.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The limit between two moves.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) limit: Duration,
    /// When the current wait began.
    since: Option<Instant>,
    /// Set while waiting and kept after: it then rings early, and is set to the right time.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Idle {
    pub(super) const fn new(limit: Duration) -> Self {
        Self { limit, since: None, alarm: None }
    }

    /// Says that it moved, or that nobody waits for it.
    pub(super) const fn moved(&mut self) {
        self.since = None;
    }

    /// Waits until the limit is reached, counted from the first call after it moved.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let Some(deadline) = since.checked_add(self.limit) else {
            return Poll::Pending;
        };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            ready!(alarm.as_mut().poll(cx));
            if alarm.deadline() >= deadline {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(deadline);
        }
    }
}
