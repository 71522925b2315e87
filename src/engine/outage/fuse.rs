//! Fuse: a store that is out is asked no more, so that nobody waits for it.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, Semaphore, watch};

use crate::engine::EngineError;
use crate::store::StoreError;
use crate::store::guarded::{Guard, Guarded};

/// Calls that may be under way; past it they fail at once instead of filling memory.
const WAITING: usize = 16_384;
/// What is called whatever is known of the store: it ends the process's part in it.
const LAST: [&str; 2] = ["leave", "close"];

/// A store behind a fuse.
pub(in crate::engine) type Fused = Guarded<Arc<Fuse>>;

/// Tells calls whether the store is out. Who looks after the store decides that; a call that
/// fails asks for it to be looked at.
#[derive(Debug)]
pub(in crate::engine) struct Fuse {
    out: watch::Sender<bool>,
    doubts: Notify,
    /// Why the latest call failed.
    why: Mutex<String>,
    room: Semaphore,
}

/// The call was not made: nothing can have happened.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NotTried(&'static str);

impl Default for Fuse {
    fn default() -> Self {
        Self {
            out: watch::Sender::new(false),
            doubts: Notify::new(),
            why: Mutex::default(),
            room: Semaphore::new(WAITING),
        }
    }
}

impl Fuse {
    /// Returns true if the store is asked nothing.
    pub(in crate::engine) fn is_out(&self) -> bool {
        *self.out.borrow()
    }

    /// From now on every call fails at once, or none does.
    pub(super) fn be_out(&self, out: bool) {
        self.out.send_replace(out);
    }

    /// Returns once the store is asked.
    pub(in crate::engine) async fn mended(&self) {
        // The sender is here.
        let _ = self.out.subscribe().wait_for(|out| !out).await;
    }

    /// Returns once a call has failed, and why.
    pub(super) async fn doubted(&self) -> String {
        self.doubts.notified().await;
        self.why.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets that a call has failed: what it told is known.
    pub(super) async fn calm(&self) {
        tokio::select! {
            biased;
            () = self.doubts.notified() => {}
            () = std::future::ready(()) => {}
        }
    }

    fn doubt(&self, error: &StoreError) {
        let why = whole(error);
        *self.why.lock().unwrap_or_else(PoisonError::into_inner) = why;
        self.doubts.notify_one();
    }
}

impl Guard for Arc<Fuse> {
    async fn pass<T: Send>(
        &self,
        verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        if LAST.contains(&verb) {
            return call.await;
        }
        if self.is_out() {
            return Err(not_tried("it has not answered, and is not asked until it does"));
        }
        let _room = self.room.try_acquire().map_err(|_| not_tried("too many calls wait for it"))?;
        let answer = call.await;
        if let Err(error @ StoreError::Unavailable { .. }) = &answer {
            self.doubt(error);
        }
        answer
    }
}

/// Returns an error with all its causes, as a text that can be kept.
pub(super) fn whole(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn not_tried(why: &'static str) -> StoreError {
    StoreError::unavailable("it is out", NotTried(why))
}

impl EngineError {
    /// Returns true if the store was not even asked, so that nothing can have happened.
    #[must_use]
    pub fn was_not_tried(&self) -> bool {
        matches!(self, Self::Unavailable(error) if was_not_tried(error))
    }
}

/// Returns true if the store was not even asked.
pub(in crate::engine) fn was_not_tried(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable { source, .. } if source.is::<NotTried>())
}
