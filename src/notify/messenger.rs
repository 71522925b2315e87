//! Messenger: one target's task; looks into the outbox, tells in order, and tries again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::watch;
use tokio::time::sleep;

use super::Target;
use super::delivery::{Courier, Untaken};
use crate::engine::{Charges, Engine, EngineError};
use crate::quota::notice::Notice;
use crate::telemetry::cause;
use crate::telemetry::labels::Delivery;
use crate::telemetry::metrics::Notices;

/// How long the outbox may go unlooked at: what other processes charge wakes nobody here. Every
/// look is up to a fifth earlier or later, so that several instances take turns.
const LOOK: Duration = Duration::from_secs(5);
/// How long charges are let gather before their notices are looked for.
const GATHER: Duration = Duration::from_millis(50);
/// How many notices are read at once.
const BATCH: usize = 100;
/// The first and the longest wait before another try; a random part of up to as much is added.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(30);

/// What a messenger is to do.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Tell this target, the so-many-th of the configuration.
    Serve(usize, Target),
    /// Tell what there is to tell now, and end.
    Finish,
    /// End behind the delivery under way.
    Leave,
}

/// Why it does not go on.
#[derive(Debug, thiserror::Error)]
enum Stuck {
    #[error("the books do not answer")]
    Store(#[from] EngineError),
    #[error("the notice was not taken")]
    Untaken(#[from] Untaken),
}

/// Tells one target.
pub(super) struct Messenger {
    engine: Engine,
    orders: watch::Receiver<Order>,
    charges: Charges,
    number: usize,
    target: Target,
    courier: Courier,
    /// Under which the store knows how far it was told.
    name: String,
    /// The last notice that is done with; none before the store has said so.
    behind: Option<u64>,
    /// Why it was stuck when that was last told; none if it was not.
    stuck: Option<String>,
    counts: Notices,
}

impl Messenger {
    /// Belongs to the runtime it is made in.
    pub(super) fn new(
        engine: Engine,
        number: usize,
        target: Target,
        orders: watch::Receiver<Order>,
        counts: Notices,
    ) -> Self {
        let charges = engine.charges();
        let (courier, name) = (Courier::to(target.endpoint.clone()), target.endpoint.name());
        let (behind, stuck) = (None, None);
        Self { engine, orders, charges, number, target, courier, name, behind, stuck, counts }
    }

    /// Returns once it is ordered to end. Dropped, a delivery under way is made again by whoever
    /// comes next.
    pub(super) async fn run(mut self) {
        let mut backoff = waits();
        loop {
            let passed = self.pass_on().await;
            self.note(passed.as_ref().err());
            let ordered = match passed {
                Ok(()) => {
                    backoff = waits();
                    self.wait_for_work().await
                }
                Err(_) => self.wait(backoff.next().unwrap_or(LONGEST)).await,
            };
            match ordered {
                None => {}
                Some(Order::Serve(number, target)) => {
                    (self.number, self.target) = (number, target);
                    // Whatever was wrong may be right now.
                    backoff = waits();
                }
                Some(Order::Finish) => {
                    if self.stuck.is_none() {
                        let passed = self.pass_on().await;
                        self.note(passed.err().as_ref());
                    }
                    return;
                }
                Some(Order::Leave) => return,
            }
        }
    }

    /// Tells all there is to tell.
    async fn pass_on(&mut self) -> Result<(), Stuck> {
        loop {
            let behind = self.place().await?;
            let notices = self.engine.notices(behind, BATCH).await?;
            let meant = |notice: &&Notice| self.target.topics.contains(&notice.topic);
            let mut waiting = notices.iter().filter(meant).count();
            self.counts.waiting(self.number, waiting);
            let Some(last) = notices.last().map(|notice| notice.id) else {
                return Ok(());
            };
            for notice in &notices {
                // Another instance may have been quicker.
                if !self.target.topics.contains(&notice.topic) || notice.id <= self.place().await? {
                    continue;
                }
                if matches!(*self.orders.borrow(), Order::Leave) {
                    return Ok(());
                }
                let signer = &self.target.signer;
                let told = self.courier.tell(notice, signer, self.engine.now()).await;
                let how = if told.is_ok() { Delivery::Delivered } else { Delivery::Failed };
                self.counts.told(self.number, how);
                told?;
                waiting = waiting.saturating_sub(1);
                self.counts.waiting(self.number, waiting);
                self.done_with(notice.id).await?;
            }
            self.done_with(last).await?;
        }
    }

    /// Returns the last notice that is done with, by this instance or another.
    async fn place(&mut self) -> Result<u64, Stuck> {
        let behind = match self.behind {
            None => begin_at(&self.engine, &self.name).await?,
            // What could not be written then counts all the same.
            Some(behind) => behind.max(self.engine.told(&self.name).await?),
        };
        self.behind = Some(behind);
        Ok(behind)
    }

    /// Remembers that all up to `notice` is done with: here at once, whatever the store says.
    async fn done_with(&mut self, notice: u64) -> Result<(), Stuck> {
        self.behind = Some(notice);
        Ok(self.engine.tell(&self.name, notice).await?)
    }

    /// Waits for a charge, or until it is time to look all the same; returns what it was ordered
    /// meanwhile.
    async fn wait_for_work(&mut self) -> Option<Order> {
        let look = LOOK.mul_f64(0.8 + 0.4 * fastrand::f64());
        tokio::select! {
            order = next(&mut self.orders) => return Some(order),
            () = self.charges.next() => {}
            () = sleep(look) => return None,
        }
        self.wait(GATHER).await
    }

    /// Waits; returns what it was ordered meanwhile.
    async fn wait(&mut self, span: Duration) -> Option<Order> {
        tokio::select! {
            order = next(&mut self.orders) => Some(order),
            () = sleep(span) => None,
        }
    }

    /// Says in the log when it gets stuck, otherwise than before, and when it goes on.
    fn note(&mut self, stuck: Option<&Stuck>) {
        let notify = self.number;
        let why = stuck.map(|stuck| match stuck {
            Stuck::Untaken(untaken) => untaken.to_string(),
            Stuck::Store(error) => error.to_string(),
        });
        match (&self.stuck, stuck) {
            (Some(_), None) => tracing::info!(notify, "notices are taken again"),
            (before, Some(stuck)) if *before != why => {
                tracing::warn!(
                    notify,
                    error = cause(stuck),
                    "notices wait: tried again until taken"
                );
            }
            _ => {}
        }
        self.stuck = why;
    }
}

/// Returns up to which notice the target of this name was told. One that is new begins here,
/// however long the next notice takes to come.
pub(super) async fn begin_at(engine: &Engine, name: &str) -> Result<u64, EngineError> {
    let told = engine.told(name).await?;
    engine.tell(name, told).await?;
    Ok(told)
}

/// Returns the next order; whoever gives none any more has gone.
async fn next(orders: &mut watch::Receiver<Order>) -> Order {
    match orders.changed().await {
        Ok(()) => orders.borrow_and_update().clone(),
        Err(_) => Order::Leave,
    }
}

/// Returns how long to wait before each further try: 1 to 2 s, then twice as long each time, up
/// to half an hour to an hour.
fn waits() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_a_second_to_an_hour_and_never_end() {
        let all: Vec<_> = waits().take(40).collect();
        assert_eq!(all.len(), 40);
        assert!(all[0] >= FIRST && all[0] <= 2 * FIRST, "{all:?}");
        assert!(all[4] >= 16 * FIRST && all[4] <= 32 * FIRST, "{all:?}");
        for wait in &all[12..] {
            assert!(*wait >= LONGEST && *wait <= 2 * LONGEST, "{all:?}");
        }
    }
}
