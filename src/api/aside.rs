//! Aside: long work is done on a thread of its own, so that others are answered meanwhile.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::Desk;
use super::respond::Problem;

/// How many works that take long go on at the same time; further ones wait.
const WORKS: usize = 2;
/// How many looks at everyone do, which take less: they do not wait for the others.
const LOOKS: usize = 8;

/// Room for what takes long.
#[derive(Clone, Debug)]
pub(super) struct Rooms {
    works: Arc<Semaphore>,
    looks: Arc<Semaphore>,
}

impl Default for Rooms {
    fn default() -> Self {
        let room = |most| Arc::new(Semaphore::new(most));
        Self { works: room(WORKS), looks: room(LOOKS) }
    }
}

impl Desk {
    /// Returns what `work` on all of the books comes to. Dropped half way, it ends at its next
    /// step.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Problem> {
        apart(self.rooms.works.clone(), work).await
    }

    /// Returns what a `look` at everyone comes to. Dropped half way, it ends at its next step.
    pub(super) async fn over_all<T: Send + 'static>(
        &self,
        look: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Problem> {
        apart(self.rooms.looks.clone(), look).await
    }
}

/// Does `work` on a thread of its own once there is room.
async fn apart<T: Send + 'static>(
    room: Arc<Semaphore>,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    let room = room.acquire_owned().await.map_err(|_| Problem::Slow)?;
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
