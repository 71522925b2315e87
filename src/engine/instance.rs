//! This process's sign of life, and what must happen although nobody waits for it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::outage::{Entry, Fuse, Outage, Shelf, give_back, was_not_tried};
use super::spend::Spending;
use crate::clock::Clock;
use crate::quota::held::{HoldId, Instance};
use crate::store::{Store, StoreError};
use crate::telemetry::cause;

/// How often a sign of life is given; well within the lease.
const BEAT: Duration = Duration::from_secs(3);
/// How long until a chore that could not be done is tried again.
pub(super) const AGAIN: Duration = Duration::from_millis(500);
/// How long the chores may take in all once the process ends.
const LAST: Duration = Duration::from_secs(5);

/// Something that must happen although nobody waits for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chore {
    /// A hold was dropped: its room goes back. If it had been settled all the same, by a call
    /// whose answer got lost, the charge goes back: its action did not take place.
    GiveBack(HoldId),
    /// A charge is to be taken back, and the store did not answer.
    Refund(HoldId),
    /// The same of one that is in the journal, which could not be written.
    NoteRefund(HoldId),
    /// Nothing; wakes the task.
    Wake,
}

/// What the task is given to do.
#[derive(Debug)]
enum Errand {
    Chore(Chore),
    Spend(Box<Spending>),
}

/// Owns the task that keeps this instance alive and does the chores.
#[derive(Debug)]
pub(super) struct Keeper {
    errands: mpsc::UnboundedSender<Errand>,
    closing: Arc<AtomicBool>,
    /// Holds of this process that have not ended.
    open: Arc<AtomicUsize>,
    task: Mutex<Option<JoinHandle<()>>>,
    idle: bool,
}

impl Keeper {
    pub(super) fn spawn(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        instance: Instance,
        outage: &Outage,
    ) -> Self {
        let (errands, queue) = mpsc::unbounded_channel();
        let closing = Arc::new(AtomicBool::new(false));
        let open = Arc::<AtomicUsize>::default();
        let (fuse, shelf) = (outage.fuse.clone(), outage.shelf.clone());
        let told = closing.clone();
        let work = Work { store, clock, instance, fuse, shelf, closing: told, open: open.clone() };
        let task = tokio::spawn(Arc::new(work).run(queue));
        Self { errands, closing, open, task: Mutex::new(Some(task)), idle: false }
    }

    /// Returns the keeper of a visitor: it has no task, and nothing is kept alive.
    pub(super) fn idle() -> Self {
        let (errands, _) = mpsc::unbounded_channel();
        let (closing, open) = (Arc::default(), Arc::default());
        Self { errands, closing, open, task: Mutex::default(), idle: true }
    }

    /// Returns true if it is the keeper of a visitor.
    pub(super) const fn is_idle(&self) -> bool {
        self.idle
    }

    /// Has a chore done in the background, as soon as the store can.
    ///
    /// One small entry per upload that failed: bounded by the number of uploads at once.
    pub(super) fn see_to(&self, chore: Chore) {
        // Once the task has ended, the store has been left, which ends every open hold.
        let _ = self.errands.send(Errand::Chore(chore));
    }

    /// Has what was used charged in the background, as soon as the store can.
    pub(super) fn spend(&self, spending: Spending) {
        if self.idle {
            tokio::spawn(Box::new(spending).until_done());
        } else {
            let _ = self.errands.send(Errand::Spend(Box::new(spending)));
        }
    }

    /// Returns true if this process ends: what cannot be done now is not done at all.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Counts a hold that keeps this instance giving signs of life.
    pub(super) fn begun(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts its end.
    pub(super) fn ended(&self) {
        self.open.fetch_sub(1, Ordering::AcqRel);
    }

    /// Ends the task once every chore so far was tried.
    pub(super) async fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.see_to(Chore::Wake);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

#[derive(Debug)]
struct Work {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    instance: Instance,
    fuse: Arc<Fuse>,
    shelf: Arc<Shelf>,
    closing: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
}

impl Work {
    async fn run(self: Arc<Self>, mut queue: mpsc::UnboundedReceiver<Errand>) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut chores = JoinSet::new();
        while !self.closing.load(Ordering::Acquire) {
            tokio::select! {
                _ = beat.tick() => self.beat().await,
                errand = queue.recv() => match errand {
                    Some(errand) => drop(chores.spawn(self.clone().see_to(errand))),
                    // Nobody has the engine any more.
                    None => break,
                },
                Some(_) = chores.join_next(), if !chores.is_empty() => {}
            }
        }
        while let Ok(errand) = queue.try_recv() {
            chores.spawn(self.clone().see_to(errand));
        }
        if timeout(LAST, async { while chores.join_next().await.is_some() {} }).await.is_err() {
            tracing::error!(chores = chores.len(), "the books were not closed in time");
        }
    }

    /// Says that this instance lives, as long as that keeps a reservation alive.
    async fn beat(&self) {
        if self.open.load(Ordering::Acquire) == 0 {
            return;
        }
        if let Err(error) = self.store.beat(&self.instance, self.clock.now()).await
            && !was_not_tried(&error)
        {
            tracing::warn!(error = cause(&error), "sign of life not written");
        }
    }

    async fn see_to(self: Arc<Self>, errand: Errand) {
        match errand {
            Errand::Chore(chore) => self.until_done(chore).await,
            Errand::Spend(spending) => spending.until_done().await,
        }
    }

    /// Tries until the store answers, or this process ends.
    async fn until_done(self: Arc<Self>, chore: Chore) {
        while let Err(error) = self.attempt(chore).await {
            if self.closing.load(Ordering::Acquire) {
                // What is still held is ended by the next start; a refund is lost.
                tracing::error!(?chore, error = cause(&error), "the books are not closed");
                return;
            }
            tracing::debug!(?chore, error = cause(&error), "the books are not closed yet");
            tokio::time::sleep(AGAIN).await;
            while self.waits_for_store(chore) && !self.closing.load(Ordering::Acquire) {
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    /// Returns true if there is no use in trying yet; the journal is on another disk than the store.
    fn waits_for_store(&self, chore: Chore) -> bool {
        self.fuse.is_out() && !matches!(chore, Chore::NoteRefund(_))
    }

    async fn attempt(&self, chore: Chore) -> Result<(), StoreError> {
        let now = self.clock.now();
        let outcome = match chore {
            Chore::GiveBack(id) => give_back(self.store.as_ref(), id, now).await.map(Some),
            Chore::NoteRefund(id) => {
                let noted = self.shelf.note(Entry::Refund(id, now)).await;
                noted.map(Some).map_err(|error| StoreError::unavailable("no journal", error))
            }
            Chore::Refund(id) => self.store.refund(id, None, now).await,
            Chore::Wake => return Ok(()),
        };
        match (chore, outcome) {
            (Chore::Refund(_), Ok(None)) => {
                tracing::error!(?chore, "a charge that is to be refunded is not known");
                Ok(())
            }
            // Known to have been ended otherwise: trying again would not change that.
            (_, Ok(_) | Err(StoreError::Conflict(_))) => Ok(()),
            (_, Err(error)) => Err(error),
        }
    }
}
