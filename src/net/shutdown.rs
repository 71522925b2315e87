//! Shutdown: stop accepting, let exchanges end, then cut.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

/// How long tasks that were cut may take to be gone.
const LAST_MOMENT: Duration = Duration::from_secs(2);

// What `phase` tells; 0 before either.
const STOPPING: u8 = 1;
const CUT: u8 = 2;

/// The end of the process, told once to every task of every runtime.
///
/// Clones are the same shutdown.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Set before the token of the same name, so that a task which is woken by one sees the other.
    phase: AtomicU8,
    stop: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Returns a shutdown that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins it: nothing new is accepted, what is under way goes on.
    pub fn stop(&self) {
        self.shared.phase.fetch_max(STOPPING, Ordering::AcqRel);
        self.shared.stop.cancel();
    }

    /// Returns whether it has begun; costs one atomic load.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.phase.load(Ordering::Acquire) >= STOPPING
    }

    /// Waits until it has begun. May be dropped at any time.
    pub fn stopping(&self) -> WaitForCancellationFutureOwned {
        self.shared.stop.clone().cancelled_owned()
    }

    /// Runs a task of the current runtime that [`finish`](Self::finish) waits for, and drops at its deadline.
    ///
    /// The task yields nothing when it was dropped so.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let cut = self.shared.cut.clone().cancelled_owned();
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn(UntilCut { task, cut, shared, watching: false })
    }

    /// Stops, waits at most `grace` for all tasks, then cuts the rest; returns whether none had to be cut.
    ///
    /// The runtimes of the tasks have to be running meanwhile. Dropped half way, all are told to
    /// stop and none is cut.
    pub async fn finish(&self, grace: Duration) -> bool {
        self.stop();
        self.shared.tasks.close();
        if timeout(grace, self.shared.tasks.wait()).await.is_ok() {
            return true;
        }
        tracing::warn!(
            tasks = self.shared.tasks.len(),
            "shutdown_grace is over, cutting what is left"
        );
        self.shared.phase.fetch_max(CUT, Ordering::AcqRel);
        self.shared.cut.cancel();
        if timeout(LAST_MOMENT, self.shared.tasks.wait()).await.is_err() {
            tracing::error!(tasks = self.shared.tasks.len(), "tasks did not end when cut");
        }
        false
    }
}

pin_project! {
    /// A task that ends without a result when all is cut.
    ///
    /// It registers for the cut once; every later poll costs an atomic load instead of two locks
    /// that all threads share. A spawned task's waker never changes, so once is enough.
    struct UntilCut<F> {
        #[pin]
        task: F,
        #[pin]
        cut: WaitForCancellationFutureOwned,
        shared: Arc<Shared>,
        watching: bool,
    }
}

impl<F: Future> Future for UntilCut<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.task.poll(cx) {
            return Poll::Ready(Some(output));
        }
        if *this.watching && this.shared.phase.load(Ordering::Acquire) < CUT {
            return Poll::Pending;
        }
        *this.watching = true;
        ready!(this.cut.poll(cx));
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tasks_that_end_in_time_are_not_cut() {
        let shutdown = Shutdown::new();
        let told = shutdown.stopping();
        let task = shutdown.spawn(async {
            told.await;
            sleep(Duration::from_secs(5)).await;
            "done"
        });
        assert!(!shutdown.is_stopping());
        assert!(shutdown.finish(Duration::from_secs(30)).await);
        assert!(shutdown.is_stopping());
        assert_eq!(task.await.unwrap(), Some("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_past_the_deadline_are_cut() {
        let shutdown = Shutdown::new();
        let task = shutdown.spawn(pending::<()>());
        let begun = Instant::now();
        assert!(!shutdown.finish(Duration::from_secs(30)).await);
        assert_eq!(begun.elapsed().as_secs(), 30);
        assert_eq!(task.await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_begun_after_the_cut_does_not_wait() {
        let shutdown = Shutdown::new();
        drop(shutdown.spawn(pending::<()>()));
        shutdown.finish(Duration::ZERO).await;
        assert_eq!(shutdown.spawn(pending::<()>()).await.unwrap(), None);
    }
}
