//! Readers: a few connections beside the writer; none waits for it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::file;
use super::instances::Own;
use super::step::View;
use crate::store::StoreError;

/// How many read at once.
const AT_ONCE: usize = 4;

/// The connections that nobody uses now; made when first needed.
#[derive(Clone, Debug)]
pub(super) struct Readers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    own: Own,
    idle: Mutex<Vec<Connection>>,
    room: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn of(file: PathBuf, own: Own) -> Self {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        Self(Arc::new(Inner { file, own, idle: Mutex::default(), room }))
    }

    /// Returns what `work` finds in one state of the books. Writes nothing, so it may be dropped
    /// half way.
    pub(super) async fn ask<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(View<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let ended = |error| StoreError::unavailable("the database is closed", error);
        let turn =
            self.0.room.clone().acquire_owned().await.map_err(|error| ended(error.into()))?;
        let inner = self.0.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let answer = inner.read(work);
            drop(turn);
            answer
        });
        reading
            .await
            .map_err(|error| ended(Box::<dyn std::error::Error + Send + Sync>::from(error)))?
    }
}

impl Inner {
    fn read<T>(
        &self,
        work: impl FnOnce(View<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle().pop();
        let mut db = idle.map_or_else(|| file::for_reading(&self.file), Ok)?;
        let state = db.transaction()?;
        let found = work(View { db: &state, own: &self.own });
        drop(state);
        // A connection that had trouble is not used again.
        if found.is_ok() {
            self.idle().push(db);
        }
        found
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
