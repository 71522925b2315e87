//! This process's sign of life, and what must happen although nobody waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::quota::held::{HoldId, Instance};
use crate::store::{Store, StoreError};
use crate::telemetry::cause;

/// How often a sign of life is given; well within the lease.
const BEAT: Duration = Duration::from_secs(3);
/// How long until a chore that could not be done is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Something that must happen although nobody waits for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chore {
    /// A hold was dropped: its room goes back. If it had been settled all the same, by a call
    /// whose answer got lost, the charge goes back: its action did not take place.
    GiveBack(HoldId),
    /// A charge is to be taken back, and the store did not answer.
    Refund(HoldId),
    /// Nothing; wakes the task.
    Wake,
}

/// Owns the task that keeps this instance alive and does the chores.
#[derive(Debug)]
pub(super) struct Keeper {
    chores: mpsc::UnboundedSender<Chore>,
    closing: Arc<AtomicBool>,
    task: Mutex<Option<JoinHandle<()>>>,
    idle: bool,
}

impl Keeper {
    pub(super) fn spawn(store: Arc<dyn Store>, clock: Arc<dyn Clock>, instance: Instance) -> Self {
        let (chores, queue) = mpsc::unbounded_channel();
        let closing = Arc::new(AtomicBool::new(false));
        let work = Work { store, clock, instance, closing: closing.clone() };
        let task = tokio::spawn(work.run(queue));
        Self { chores, closing, task: Mutex::new(Some(task)), idle: false }
    }

    /// Returns the keeper of a visitor: it has no task, and nothing is kept alive.
    pub(super) fn idle() -> Self {
        let (chores, _) = mpsc::unbounded_channel();
        Self { chores, closing: Arc::default(), task: Mutex::default(), idle: true }
    }

    /// Returns true if it is the keeper of a visitor.
    pub(super) const fn is_idle(&self) -> bool {
        self.idle
    }

    /// Has a chore done in the background, as soon as the store can.
    ///
    /// One small entry per upload that failed: bounded by the number of uploads at once.
    pub(super) fn see_to(&self, chore: Chore) {
        // Once the task has ended, the store has been left, which ends every hold.
        let _ = self.chores.send(chore);
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

struct Work {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    instance: Instance,
    closing: Arc<AtomicBool>,
}

impl Work {
    async fn run(self, mut queue: mpsc::UnboundedReceiver<Chore>) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut again = tokio::time::interval(AGAIN);
        again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut undone = Vec::new();
        while !self.closing.load(Ordering::Acquire) {
            tokio::select! {
                _ = beat.tick() => self.beat().await,
                _ = again.tick(), if !undone.is_empty() => undone = self.undone_of(undone).await,
                chore = queue.recv() => match chore {
                    Some(chore) => undone.extend(self.undone_of(vec![chore]).await),
                    None => return,
                },
            }
        }
        undone.extend(std::iter::from_fn(|| queue.try_recv().ok()));
        for chore in undone {
            // A store that is out would be waited for again and again; what is left then is
            // ended by the next start.
            if self.attempt(chore).await.is_err() {
                return;
            }
        }
    }

    async fn beat(&self) {
        if let Err(error) = self.store.beat(&self.instance, self.clock.now()).await {
            tracing::warn!(error = cause(&error), "sign of life not written");
        }
    }

    /// Tries `chores`; returns those that have to be tried again.
    async fn undone_of(&self, chores: Vec<Chore>) -> Vec<Chore> {
        let mut undone = Vec::new();
        for chore in chores {
            if let Err(error) = self.attempt(chore).await {
                tracing::warn!(?chore, error = cause(&error), "the books are not closed yet");
                undone.push(chore);
            }
        }
        undone
    }

    async fn attempt(&self, chore: Chore) -> Result<(), StoreError> {
        let now = self.clock.now();
        let outcome = match chore {
            Chore::GiveBack(id) => match self.store.release(id, now).await {
                Err(StoreError::Conflict(_)) => self.store.refund(id, now).await,
                outcome => outcome,
            },
            Chore::Refund(id) => self.store.refund(id, now).await,
            Chore::Wake => return Ok(()),
        };
        match outcome {
            // Known to have been ended otherwise: trying again would not change that.
            Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
