//! Notifier: a messenger for each target; takes over changed ones, and waits for all at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Target;
use super::messenger::{Messenger, Order, begin_at};
use crate::engine::Engine;
use crate::telemetry::{Metrics, cause};

/// Notes those of `targets` in the store that it does not know, so that they are told of every
/// charge from now on. If it does not answer, they are noted when it does; likewise those that
/// were not reached when this was dropped.
pub async fn meet(engine: &Engine, targets: &[Target]) {
    for target in targets {
        if let Err(error) = begin_at(engine, &target.endpoint.name()).await {
            tracing::warn!(error = cause(&error), "who is new is told later charges only");
            return;
        }
    }
}

/// Tells all targets. Dropped, it ends behind the deliveries under way.
#[derive(Debug)]
pub struct Notifier {
    engine: Engine,
    runtime: Handle,
    metrics: Arc<Metrics>,
    /// By the name of their endpoint.
    messengers: BTreeMap<String, Running>,
}

#[derive(Debug)]
struct Running {
    orders: watch::Sender<Order>,
    task: JoinHandle<()>,
}

impl Notifier {
    /// Returns one that tells nobody yet; its tasks belong to `runtime`.
    #[must_use]
    pub fn new(engine: Engine, runtime: Handle, metrics: Arc<Metrics>) -> Self {
        Self { engine, runtime, metrics, messengers: BTreeMap::new() }
    }

    /// Tells these from now on, and no others. One that stays is told on where it was, as its
    /// other settings now say.
    pub fn apply(&mut self, targets: Vec<Target>) {
        let mut staying = std::mem::take(&mut self.messengers);
        self.metrics.notices.serve(targets.len());
        for (number, target) in (1..).zip(targets) {
            let name = target.endpoint.name();
            let running = match staying.remove(&name) {
                Some(running) => {
                    running.orders.send_replace(Order::Serve(number, target));
                    running
                }
                None => self.begin(number, target),
            };
            self.messengers.insert(name, running);
        }
        for running in staying.into_values() {
            running.orders.send_replace(Order::Leave);
        }
    }

    fn begin(&self, number: usize, target: Target) -> Running {
        let (orders, heard) = watch::channel(Order::Serve(number, target.clone()));
        let (engine, counts) = (self.engine.clone(), self.metrics.notices.clone());
        let task = self.runtime.spawn(async move {
            Messenger::new(engine, number, target, heard, counts).run().await;
        });
        Running { orders, task }
    }

    /// Returns when all that can be told is told, at the latest after `grace`. What is left waits
    /// in the outbox. Dropped half way, the messengers end all the same, behind what is under way.
    pub async fn finish(self, grace: Duration) {
        let running: Vec<_> = self.messengers.into_values().collect();
        for messenger in &running {
            messenger.orders.send_replace(Order::Finish);
        }
        let all = async {
            for messenger in running {
                // One that panicked has said so.
                let _ = messenger.task.await;
            }
        };
        if timeout(grace, all).await.is_err() {
            tracing::info!("notices are left for the next start: shutdown_grace is over");
        }
    }
}
