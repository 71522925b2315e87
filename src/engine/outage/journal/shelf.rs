//! Shelf: where the journal is kept, if there is one; it is made when it is first needed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Entry, Journal, JournalError};
use crate::clock::Timestamp;
use crate::telemetry::cause;

/// The place of a journal.
#[derive(Debug, Default)]
pub(in crate::engine) struct Shelf {
    /// None where no journal is kept.
    path: Option<PathBuf>,
    journal: Mutex<Option<Arc<Journal>>>,
    /// It could not be written when that was last tried.
    failing: AtomicBool,
    /// How many entries this process wrote.
    written: AtomicUsize,
    /// How many entries this process brought into the books.
    replayed: AtomicUsize,
    changed: Notify,
}

impl Shelf {
    /// Returns the place `path`; a journal that lies there is opened, and one is made if it will
    /// be `needed`. Blocks while it does.
    ///
    /// # Errors
    /// If another process has it, and it is needed.
    pub(in crate::engine) fn at(path: Option<PathBuf>, needed: bool) -> Result<Self, JournalError> {
        let mut shelf = Self { path, ..Self::default() };
        if shelf.path.as_ref().is_some_and(|path| needed || path.exists()) {
            match shelf.open() {
                Ok(_) => {}
                Err(error @ JournalError::Locked(_)) if needed => return Err(error),
                Err(error @ JournalError::Locked(_)) => {
                    tracing::warn!(
                        %error,
                        "what the store does not take when it is out is kept in memory alone: \
                         give each process a [storage] journal of its own"
                    );
                    shelf.path = None;
                }
                Err(error) => shelf.note_failure(&error),
            }
        }
        Ok(shelf)
    }

    /// Writes `entry` down; on disk when it returns. Dropped half way, it may be written.
    pub(in crate::engine) async fn note(&self, entry: Entry) -> Result<(), JournalError> {
        let noted = match self.open() {
            Ok(journal) => journal.append(entry).await,
            Err(error) => Err(error),
        };
        match &noted {
            Ok(()) => {
                self.written.fetch_add(1, Ordering::Relaxed);
                if self.failing.swap(false, Ordering::AcqRel) {
                    tracing::info!("the journal can be written again");
                }
                self.changed.notify_one();
            }
            Err(error) => self.note_failure(error),
        }
        noted
    }

    /// Returns true if something can be written down, as far as is known without trying.
    pub(in crate::engine) fn is_usable(&self) -> bool {
        self.open().map_err(|error| self.note_failure(&error)).is_ok()
    }

    /// Returns true if it could not be written when that was last tried.
    pub(in crate::engine) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Returns how many entries this process wrote down so far.
    pub(in crate::engine) fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    /// Returns how many entries this process brought into the books so far.
    pub(in crate::engine) fn replayed(&self) -> usize {
        self.replayed.load(Ordering::Relaxed)
    }

    /// Counts entries that are in the books now.
    pub(in crate::engine::outage) fn brought(&self, entries: usize) {
        self.replayed.fetch_add(entries, Ordering::Relaxed);
    }

    /// Returns how many entries wait, and since when the oldest does.
    pub(in crate::engine) fn waiting(&self) -> (usize, Option<Timestamp>) {
        self.there().map_or((0, None), |journal| journal.waiting())
    }

    /// Returns the journal, if there is one by now.
    pub(in crate::engine::outage) fn there(&self) -> Option<Arc<Journal>> {
        self.lock().clone()
    }

    /// Returns once something was written since it last returned.
    pub(in crate::engine::outage) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns the journal; makes it if there is none, which reaches the disk.
    fn open(&self) -> Result<Arc<Journal>, JournalError> {
        let path = self.path.as_ref().ok_or(JournalError::None)?;
        let mut journal = self.lock();
        if let Some(journal) = &*journal {
            return Ok(journal.clone());
        }
        let opened = Arc::new(Journal::open(path)?);
        *journal = Some(opened.clone());
        // What an earlier process left in it is to be brought in.
        self.changed.notify_one();
        Ok(opened)
    }

    /// Says once that it cannot be written.
    fn note_failure(&self, error: &JournalError) {
        let kept = !matches!(error, JournalError::None);
        if kept && !self.failing.swap(true, Ordering::AcqRel) {
            let error = cause(error);
            tracing::error!(
                error,
                "the journal cannot be written: uploads that need it are refused"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Journal>>> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
