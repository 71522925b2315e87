//! A store that fails and waits when it is told to; otherwise it is the one in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use metergate::store::StoreError;
use metergate::store::guarded::{Guard, Guarded};
use metergate::store::memory::Memory;
use tokio::sync::watch;

use super::eventually;

/// A store under orders.
pub(crate) type Scripted = Guarded<Script>;

/// Returns the store in memory, which obeys the script that it comes with.
pub(crate) fn scripted() -> Scripted {
    Scripted::by(Script::default(), Arc::new(Memory::default()))
}

/// What a store is told to do. Verbs are the names of its calls.
#[derive(Debug, Default)]
pub(crate) struct Script {
    orders: watch::Sender<Orders>,
    waiting: watch::Sender<Vec<&'static str>>,
}

#[derive(Clone, Debug, Default)]
struct Orders {
    /// Answers nothing but errors.
    out: bool,
    failing: BTreeSet<&'static str>,
    shut: BTreeSet<&'static str>,
}

impl Script {
    /// From now on every call fails, or none.
    pub(crate) fn be_out(&self, out: bool) {
        self.orders.send_modify(|orders| orders.out = out);
    }

    /// From now on this call fails, or does not.
    pub(crate) fn fail(&self, verb: &'static str, fails: bool) {
        self.orders.send_modify(|orders| {
            if fails {
                orders.failing.insert(verb)
            } else {
                orders.failing.remove(verb)
            };
        });
    }

    /// From now on this call waits until it is [let go](Self::let_go).
    pub(crate) fn stop_at(&self, verb: &'static str) {
        self.orders.send_modify(|orders| _ = orders.shut.insert(verb));
    }

    /// Lets those who wait go on, and those who come.
    pub(crate) fn let_go(&self, verb: &'static str) {
        self.orders.send_modify(|orders| _ = orders.shut.remove(verb));
    }

    /// Waits until somebody waits at this call.
    pub(crate) fn is_stopped_at(&self, verb: &'static str) {
        eventually(&format!("a call of {verb}"), || self.waiting.borrow().contains(&verb));
    }

    async fn before(&self, verb: &'static str) -> Result<(), StoreError> {
        let mut orders = self.orders.subscribe();
        if orders.borrow().shut.contains(verb) {
            self.waiting.send_modify(|waiting| waiting.push(verb));
        }
        let orders = orders.wait_for(|orders| !orders.shut.contains(verb)).await.unwrap();
        if orders.out || orders.failing.contains(verb) {
            return Err(StoreError::unavailable("the script says so", "it is out"));
        }
        Ok(())
    }
}

impl Guard for Script {
    async fn pass<T: Send>(
        &self,
        verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        // What was written before can always be finished.
        if verb != "close" {
            self.before(verb).await?;
        }
        call.await
    }
}
