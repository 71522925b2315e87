//! settle: replace the room by what was really used; release it; refund it.

use super::{Engine, EngineError};
use crate::quota::Amount;
use crate::quota::held::HoldId;

impl Engine {
    /// Ends the reservation `id` with `total`, even past a limit or after it lapsed. The same
    /// total again changes nothing.
    ///
    /// # Errors
    /// Not found; conflict if it was settled otherwise or released; unavailable if the store is.
    pub async fn settle(&self, id: HoldId, total: Amount) -> Result<(), EngineError> {
        let settled = self.0.store.settle(id, total, self.now()).await?.ok_or_else(unknown)?;
        if settled.late {
            tracing::warn!(hold = %id, %total, "a reservation was settled after it had lapsed");
        }
        Ok(())
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
        self.0.store.refund(id, self.now()).await?.ok_or_else(unknown)
    }
}

fn unknown() -> EngineError {
    EngineError::NotFound("there is no such reservation".to_owned())
}
