//! Readers: a few connections beside the writer; none waits for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::engine::{Engine, Glass};
use super::step::View;
use crate::store::StoreError;

/// How many read at once,
const AT_ONCE: usize = 4;

/// and how many of them may look at much: so nobody who only asks a little waits for them.
const LONG_AT_ONCE: usize = 2;

/// The connections that nobody uses now; made when first needed.
type Idle<E> = Arc<Mutex<Vec<<E as Engine>::Glass>>>;

/// Connections that read.
#[derive(Debug)]
pub(in crate::store) struct Readers<E: Engine>(Arc<Inner<E>>);

struct Inner<E: Engine> {
    engine: Arc<E>,
    idle: Idle<E>,
    room: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

impl<E: Engine> Readers<E> {
    pub(in crate::store) fn of(engine: Arc<E>) -> Self {
        let [room, long] = [AT_ONCE, LONG_AT_ONCE].map(|most| Arc::new(Semaphore::new(most)));
        Self(Arc::new(Inner { engine, idle: Arc::default(), room, long }))
    }

    /// Returns what `work` finds in one state of the books. Writes nothing, so it may be dropped
    /// half way.
    pub(in crate::store) async fn ask<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(View<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.with(viewing(work)).await
    }

    /// Does as [`ask`](Self::ask), where there may be much to look at.
    pub(in crate::store) async fn ask_much<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(View<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.with_much(viewing(work)).await
    }

    /// Returns what `work` makes of a connection.
    pub(in crate::store) async fn with<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&E, &mut E::Glass) -> Result<T, StoreError> + Send + 'static,
    {
        self.read(None, work).await
    }

    /// Does as [`with`](Self::with), where there may be much to look at.
    pub(in crate::store) async fn with_much<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&E, &mut E::Glass) -> Result<T, StoreError> + Send + 'static,
    {
        let long = self.0.long.clone().acquire_owned().await.map_err(ended)?;
        self.read(Some(long), work).await
    }

    async fn read<T, F>(&self, long: Option<OwnedSemaphorePermit>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&E, &mut E::Glass) -> Result<T, StoreError> + Send + 'static,
    {
        let turn = self.0.room.clone().acquire_owned().await.map_err(ended)?;
        let inner = self.0.clone();
        let (caller, answer) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            inner.read(&work, caller);
            drop((turn, long));
        });
        answer.await.map_err(ended)?
    }
}

/// Returns `work` on one state of the books, as work on a connection.
fn viewing<E: Engine, T>(
    work: impl Fn(View<'_>) -> Result<T, StoreError>,
) -> impl Fn(&E, &mut E::Glass) -> Result<T, StoreError> {
    move |engine, glass| {
        glass.begin()?;
        work(View { db: glass.db(), own: engine })
    }
}

fn ended(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::unavailable("the database is closed", error)
}

impl<E: Engine> Inner<E> {
    /// Answers before it tidies up behind it, and lets go of the books before it answers: whoever
    /// then closes them has closed them.
    fn read<T>(
        self: Arc<Self>,
        work: &impl Fn(&E, &mut E::Glass) -> Result<T, StoreError>,
        caller: oneshot::Sender<Result<T, StoreError>>,
    ) {
        let idle = self.idle.clone();
        let kept = lock::<E>(&idle).pop();
        let was_idle = kept.is_some();
        let mut glass = match kept.map_or_else(|| self.engine.glass(), Ok) {
            Ok(glass) => glass,
            Err(error) => return answer(self, caller, Err(error)),
        };
        let mut found = work(&self.engine, &mut glass);
        if found.is_err() && was_idle && glass.is_broken() {
            // It broke while nobody looked, and so did the others.
            lock::<E>(&idle).clear();
            match self.engine.glass() {
                Ok(new) => {
                    glass = new;
                    found = work(&self.engine, &mut glass);
                }
                Err(error) => found = Err(error),
            }
        }
        // A connection that had trouble is not used again.
        let is_good = found.is_ok();
        answer(self, caller, found);
        if is_good && glass.end() {
            lock::<E>(&idle).push(glass);
        }
    }
}

/// Lets go of `books`, and answers.
fn answer<E: Engine, T>(
    books: Arc<Inner<E>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
    found: Result<T, StoreError>,
) {
    drop(books);
    // One who has left needs no answer.
    drop(caller.send(found));
}

fn lock<E: Engine>(idle: &Idle<E>) -> MutexGuard<'_, Vec<E::Glass>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<E: Engine> std::fmt::Debug for Inner<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").field("engine", &self.engine).finish_non_exhaustive()
    }
}
