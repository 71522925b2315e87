//! What goes on while the store is silent, and how the books are made right afterwards.
//!
//! A store that does not answer is asked no more (the **fuse** is out) until a probe is answered;
//! who **watches** over it sees to that. Meanwhile an action is refused (closed), or passes by the
//! policy as last seen (open, **unseen** by the store) and is written into the **journal**. So is
//! what a store must be told later that was not sure to have heard it: a refund, a reservation
//! that may have been settled although its action did not take place. Once the store answers, the
//! entries are brought in in order (**replay**). Each names a reservation, and a reservation is
//! settled once and refunded once, so that bringing an entry in again changes nothing.

mod arrival;
mod fuse;
mod journal;
mod replay;
mod standing;
mod unseen;
mod watch;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch as signal;
use tokio::task::JoinHandle;

pub(super) use fuse::{Fuse, Fused, was_not_tried};
pub(super) use journal::{Entry, Noted, Shelf};
pub(super) use replay::give_back;
pub use standing::StoreStanding;
pub(super) use unseen::items;

use super::{Ask, Engine, EngineError};
use crate::clock::Timestamp;
use crate::quota::{Layer, OnOutage, Policy};
use crate::store::Store;
use crate::telemetry::cause;

/// What becomes of actions while the store is out.
#[derive(Clone, Debug, Default)]
pub struct Outages {
    /// Whether they pass, where their capability says nothing of it. Default closed.
    pub on_outage: OnOutage,
    /// Where what cannot be charged now is written until it can. Without one nothing passes, and
    /// what the store is to be told later is kept in memory alone.
    pub journal: Option<PathBuf>,
    /// The file layer to begin with if the store is out at the start, written as soon as it
    /// answers. Without one, a store that is out is an error.
    pub begin_with: Option<Layer>,
}

/// What an engine knows of its store being out.
#[derive(Debug)]
pub(super) struct Outage {
    pub(super) fuse: Arc<Fuse>,
    pub(super) shelf: Arc<Shelf>,
    /// The store before the fuse, for whoever watches over it.
    store: Arc<dyn Store>,
    usual: OnOutage,
    state: Mutex<State>,
    closing: signal::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct State {
    /// Since when it is out.
    since: Option<Timestamp>,
    /// It knows this instance.
    joined: bool,
    /// The file layer that it is still to be given.
    pending: Option<Layer>,
    /// Why that was not possible when it was last tried.
    refused: Option<String>,
    /// How many entries had been written when it went out.
    written: usize,
}

impl Outage {
    /// Returns what an engine on `store` knows to begin with.
    ///
    /// # Errors
    /// Conflict if another process has the journal, and actions may have to pass.
    pub(super) fn new(
        store: Arc<dyn Store>,
        on_outage: OnOutage,
        journal: Option<PathBuf>,
        needed: bool,
    ) -> Result<Self, EngineError> {
        let shelf = Shelf::at(journal, needed).map_err(|error| {
            EngineError::Conflict(format!(
                "{error}: give each process a file of its own with [storage] journal"
            ))
        })?;
        Ok(Self {
            fuse: Arc::default(),
            shelf: Arc::new(shelf),
            store,
            usual: on_outage,
            state: Mutex::default(),
            closing: signal::Sender::new(false),
            tasks: Mutex::default(),
        })
    }

    /// Returns what a visitor knows: it neither waits nor notes anything.
    pub(super) fn of_visitor(store: Arc<dyn Store>) -> Self {
        Self {
            fuse: Arc::default(),
            shelf: Arc::default(),
            store,
            usual: OnOutage::Closed,
            state: Mutex::default(),
            closing: signal::Sender::new(true),
            tasks: Mutex::default(),
        }
    }

    /// Returns what becomes of `ask` under `policy` while the store is out.
    fn of(&self, policy: &Policy, ask: &Ask) -> OnOutage {
        let own = ask.capability().and_then(|name| policy.capability(name).ok()?.on_outage());
        own.unwrap_or(self.usual)
    }

    /// Returns true if the store knows this instance.
    pub(super) fn has_joined(&self) -> bool {
        self.state().joined
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, task: JoinHandle<()>) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }
}

impl Engine {
    /// Returns true if `ask` passes while the store is out: the policy says so, and it can be
    /// written down.
    pub(super) fn passes(&self, ask: &Ask) -> bool {
        let outage = &self.0.outage;
        let open = outage.of(&self.snapshot().policy, ask) == OnOutage::Open;
        open && outage.shelf.is_usable()
    }

    /// Writes `entry` into the journal; true if it is on disk.
    pub(super) async fn note(&self, entry: Entry) -> bool {
        let noted = self.0.outage.shelf.note(entry).await;
        if let Err(error) = &noted {
            tracing::debug!(error = cause(error), "not written into the journal");
        }
        noted.is_ok()
    }

    /// Returns true if something waits in the journal to be brought into the books.
    pub(super) fn has_journalled(&self) -> bool {
        self.0.outage.shelf.waiting().0 > 0
    }

    /// Ends the tasks that watch over the store and bring in the journal; what is left in it is
    /// left to the next start.
    pub(super) async fn close_outage(&self) {
        let outage = &self.0.outage;
        outage.closing.send_replace(true);
        let tasks: Vec<_> =
            outage.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        for task in tasks {
            // One that panicked has said so.
            let _ = task.await;
        }
        let (entries, _) = outage.shelf.waiting();
        if entries > 0 {
            tracing::warn!(
                entries,
                "the journal waits for the next start: they are not charged yet"
            );
        }
    }
}
