//! This process's sign of life, and the end of holds that were dropped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::quota::held::{HoldId, Instance};
use crate::store::{Store, StoreError};

/// How often a sign of life is given; well within the lease.
const BEAT: Duration = Duration::from_secs(3);
/// How long until a hold that could not be ended is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Owns the task that keeps this instance alive and gives back what dropped holds left.
#[derive(Debug)]
pub(super) struct Keeper {
    dropped: mpsc::UnboundedSender<HoldId>,
    closing: Arc<AtomicBool>,
    task: Mutex<Option<JoinHandle<()>>>,
    idle: bool,
}

impl Keeper {
    pub(super) fn spawn(store: Arc<dyn Store>, clock: Arc<dyn Clock>, instance: Instance) -> Self {
        let (dropped, queue) = mpsc::unbounded_channel();
        let closing = Arc::new(AtomicBool::new(false));
        let work = Work {
            store,
            clock,
            instance,
            closing: closing.clone(),
        };
        let task = tokio::spawn(work.run(queue));
        Self {
            dropped,
            closing,
            task: Mutex::new(Some(task)),
            idle: false,
        }
    }

    /// Returns the keeper of a visitor: it has no task, and nothing is kept alive.
    pub(super) fn idle() -> Self {
        Self {
            dropped: mpsc::unbounded_channel().0,
            closing: Arc::default(),
            task: Mutex::default(),
            idle: true,
        }
    }

    /// Returns true if it is the keeper of a visitor.
    pub(super) const fn is_idle(&self) -> bool {
        self.idle
    }

    /// Gives the room of `id` back in the background, as soon as the store can.
    ///
    /// One small entry per dropped hold: bounded by the number of uploads at once.
    pub(super) fn give_back(&self, id: HoldId) {
        // Once the task has ended, the store has been left, which ends every hold.
        let _ = self.dropped.send(id);
    }

    /// Ends the task once everything dropped so far was tried.
    pub(super) async fn close(&self) {
        self.closing.store(true, Ordering::Release);
        // Any id wakes the task; one that nobody has changes nothing.
        self.give_back(HoldId::fresh());
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
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
    async fn run(self, mut queue: mpsc::UnboundedReceiver<HoldId>) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beat.tick() => self.beat().await,
                id = queue.recv() => match id {
                    Some(id) => self.release(id).await,
                    None => return,
                },
            }
            if self.closing.load(Ordering::Acquire) && queue.is_empty() {
                return;
            }
        }
    }

    async fn beat(&self) {
        if let Err(error) = self.store.beat(&self.instance, self.clock.now()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "sign of life not written"
            );
        }
    }

    /// Tries until the store answers, or this process ends.
    async fn release(&self, id: HoldId) {
        loop {
            match self.store.release(id, self.clock.now()).await {
                // A conflict means that it was settled after all.
                Ok(_) | Err(StoreError::Conflict(_)) => return,
                Err(error) => {
                    tracing::warn!(hold = %id, error = &error as &dyn std::error::Error, "hold not ended yet");
                    if self.closing.load(Ordering::Acquire) {
                        return;
                    }
                    tokio::time::sleep(AGAIN).await;
                    self.beat().await;
                }
            }
        }
    }
}
