//! Watched: the memory store; its calls are counted, and hang when told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::StoreError;
use crate::store::guarded::{Guard, Guarded};
use crate::store::memory::Memory;

/// When a call that never answers hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hang {
    /// Nothing has happened.
    Before,
    /// It has happened; only the answer is lost.
    After,
}

/// A store under watch. Verbs are the names of its calls.
pub(super) type Watched = Guarded<Watch>;

/// What is seen of it, and what it is told.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    hanging: BTreeMap<&'static str, Hang>,
    calls: BTreeMap<&'static str, usize>,
}

/// Returns the memory store under watch.
pub(super) fn watched() -> Watched {
    Watched::by(Watch::default(), Arc::new(Memory::default()))
}

impl Watch {
    /// From now on `verb` never answers.
    pub(super) fn hang(&self, verb: &'static str, when: Hang) {
        self.log().hanging.insert(verb, when);
    }

    /// From now on every call answers.
    pub(super) fn recover(&self) {
        self.log().hanging.clear();
    }

    /// Returns how often `verb` was called.
    pub(super) fn calls(&self, verb: &'static str) -> usize {
        self.log().calls.get(verb).copied().unwrap_or_default()
    }
}

impl Guard for Watch {
    async fn pass<T: Send>(
        &self,
        verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let hanging = {
            let mut log = self.log();
            *log.calls.entry(verb).or_default() += 1;
            log.hanging.get(verb).copied()
        };
        match hanging {
            None => call.await,
            Some(Hang::Before) => std::future::pending().await,
            Some(Hang::After) => {
                _ = call.await;
                std::future::pending().await
            }
        }
    }
}

impl Watch {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
