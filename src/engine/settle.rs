//! settle: replace the room by what was really used; release it; refund it.

use super::{Engine, EngineError};
use crate::quota::Amount;
use crate::quota::held::HoldId;
use crate::quota::plan::Plan;

impl Engine {
    /// Ends the reservation `id` with `total`, even past a limit or after it lapsed. The same
    /// total again changes nothing.
    ///
    /// # Errors
    /// Not found; conflict if it was settled otherwise or released; unavailable if the store is.
    pub async fn settle(&self, id: HoldId, total: Amount) -> Result<(), EngineError> {
        let watched = self.watched(id).await?;
        self.settle_watching(id, total, Some(&watched)).await
    }

    /// Like [`Engine::settle`]; the windows of `watched` are looked at for what to tell.
    pub(super) async fn settle_watching(
        &self,
        id: HoldId,
        total: Amount,
        watched: Option<&Plan>,
    ) -> Result<(), EngineError> {
        let settled = self.0.store.settle(id, total, watched, self.now()).await?;
        self.charged();
        if settled.ok_or_else(unknown)?.late {
            tracing::warn!(hold = %id, %total, "a reservation was settled after it had lapsed");
        }
        Ok(())
    }

    /// Returns the windows that a reservation counts in, under the present policy.
    async fn watched(&self, id: HoldId) -> Result<Plan, EngineError> {
        let held = self.0.store.held(id).await?.ok_or_else(unknown)?;
        let resources: Vec<_> = held.items.iter().map(|item| item.resource.clone()).collect();
        let question = resources.as_slice();
        Ok(self.planning(&held.subject, question, Some(held.at)).next().await?.plan)
    }

    /// Gives the open reservation `id` back; one that has lapsed changes nothing.
    ///
    /// # Errors
    /// Not found; conflict if it was settled; unavailable if the store is.
    pub async fn release(&self, id: HoldId) -> Result<(), EngineError> {
        self.0.store.release(id, self.now()).await?.ok_or_else(unknown)
    }

    /// Takes the settled reservation `id` back, once.
    ///
    /// # Errors
    /// Not found; conflict if it was not settled; unavailable if the store is.
    pub async fn refund(&self, id: HoldId) -> Result<(), EngineError> {
        let watched = self.watched(id).await?;
        self.refund_watching(id, Some(&watched)).await
    }

    /// Like [`Engine::refund`]; the windows of `watched` are looked at for what to tell.
    pub(super) async fn refund_watching(
        &self,
        id: HoldId,
        watched: Option<&Plan>,
    ) -> Result<(), EngineError> {
        let refunded = self.0.store.refund(id, watched, self.now()).await?;
        self.charged();
        refunded.ok_or_else(unknown)
    }
}

/// Says that there is no such reservation.
pub(super) fn unknown() -> EngineError {
    EngineError::NotFound("there is no such reservation".to_owned())
}
