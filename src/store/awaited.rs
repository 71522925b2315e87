//! Awaited: a store that is not there yet: every call tries to open it, until one does.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::guarded::{Guard, Guarded};
use super::{StorageSpec, Store, StoreError, open};

/// A store that is opened by the first call that can.
pub type Awaited = Guarded<Opening>;

/// How it is opened.
pub struct Opening {
    open: Arc<dyn Fn() -> Result<Arc<dyn Store>, StoreError> + Send + Sync>,
    place: Arc<OnceLock<Arc<dyn Store>>>,
    /// Held by whoever opens it now.
    turn: Arc<Mutex<()>>,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("is_open", &self.place.get().is_some())
            .finish_non_exhaustive()
    }
}

impl Awaited {
    /// Returns the store that `spec` names.
    #[must_use]
    pub fn new(spec: StorageSpec) -> Self {
        let name = spec.to_string();
        Self::by_way_of(name, move || open(&spec))
    }

    /// Returns the store called `name` that `open` opens; it may block.
    pub fn by_way_of(
        name: String,
        open: impl Fn() -> Result<Arc<dyn Store>, StoreError> + Send + Sync + 'static,
    ) -> Self {
        let place = Arc::<OnceLock<_>>::default();
        let opening = Opening { open: Arc::new(open), place: place.clone(), turn: Arc::default() };
        Self::awaited(opening, name, place)
    }
}

impl StorageSpec {
    /// Returns true if a store of this kind may be out and come back by itself: one on a server,
    /// for which this program is built.
    #[must_use]
    pub const fn may_come_back(&self) -> bool {
        match self {
            Self::Memory | Self::Sqlite(_) => false,
            Self::Postgres(_) => cfg!(feature = "postgres"),
            Self::Redis(_) => cfg!(feature = "redis"),
        }
    }
}

/// Opens the store that `spec` names; one that is out now and may come back is opened once it
/// does. Blocks like [`open`].
///
/// # Errors
/// As [`open`], but for a store that may come back.
pub fn open_or_await(spec: &StorageSpec) -> Result<Arc<dyn Store>, StoreError> {
    match open(spec) {
        Err(StoreError::Unavailable { .. }) if spec.may_come_back() => {
            Ok(Arc::new(Awaited::new(spec.clone())))
        }
        opened => opened,
    }
}

impl Opening {
    /// Opens it if it is not open. Dropped half way, it goes on being opened.
    async fn be_open(&self) -> Result<(), StoreError> {
        if self.place.get().is_some() {
            return Ok(());
        }
        let Ok(turn) = self.turn.clone().try_lock_owned() else {
            return Err(StoreError::unavailable("it is not there yet", "it is being opened"));
        };
        let (open, place) = (self.open.clone(), self.place.clone());
        let opened = spawn_blocking(move || {
            let opened = open().map(|store| drop(place.set(store)));
            drop(turn);
            opened
        });
        let opened = opened.await;
        opened.map_err(|error| StoreError::unavailable("it could not be opened", error))?
    }
}

impl Guard for Opening {
    async fn pass<T: Send>(
        &self,
        _verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.be_open().await?;
        call.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::store::memory::Memory;

    #[tokio::test]
    async fn it_is_opened_once_by_the_first_call_that_can() {
        let tries = Arc::<AtomicUsize>::default();
        let counted = tries.clone();
        let store = Awaited::by_way_of("redis://h".to_owned(), move || {
            match counted.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => Err(StoreError::unavailable("no server", "nobody listens")),
                _ => Ok(Arc::new(Memory::default())),
            }
        });
        assert_eq!(store.describe(), "redis://h");
        assert!(store.policy().await.is_err());
        assert!(store.opened().await.is_err());
        assert!(store.opened().await.is_ok());
        assert!(store.policy().await.is_ok());
        assert_eq!(tries.load(Ordering::SeqCst), 3);
        assert_eq!(store.describe(), Memory::default().describe());
    }
}
