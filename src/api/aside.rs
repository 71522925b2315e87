//! Aside: long work is done on a thread of its own, so that others are answered meanwhile.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::Desk;
use super::respond::Problem;

/// How many works take long at the same time; further ones wait.
const AT_ONCE: usize = 2;

/// Room for long work.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Desk {
    /// Returns what `work` comes to. Dropped half way, the work ends at its next step.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Problem> {
        let room = self.room.0.clone().acquire_owned().await.map_err(|_| Problem::Slow)?;
        let left = CancellationToken::new();
        let guard = left.clone().drop_guard();
        let handle = Handle::current();
        let done = tokio::task::spawn_blocking(move || {
            let done = handle.block_on(left.run_until_cancelled(work));
            drop(room);
            done
        });
        let done = done.await;
        drop(guard);
        // It only fails if the process ends, or the work is broken and has said so.
        done.ok().flatten().ok_or(Problem::Slow)
    }
}
