//! StoreStanding: what is told of the store being out, and of what waits for it.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::engine::{Ask, Engine};
use crate::quota::Amount;

/// Whether the store is out, and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreStanding {
    /// Since when the store is out; none if it is not.
    pub out_since: Option<Timestamp>,
    /// Uploads pass while it is out, and can be written down.
    pub uploads_pass: bool,
    /// How many entries of the journal are not in the books yet.
    pub waiting: usize,
    /// When the oldest of them was written down.
    pub oldest: Option<Timestamp>,
}

impl Engine {
    /// Returns whether the store is out, and what waits for it; asks nobody.
    #[must_use]
    pub fn store_standing(&self) -> StoreStanding {
        let outage = &self.0.outage;
        let (waiting, oldest) = outage.shelf.waiting();
        let out_since = outage.state().since;
        let passes = self.passes(&Ask::upload(Amount::ONE));
        let uploads_pass = passes && !outage.shelf.is_failing();
        StoreStanding { out_since, uploads_pass, waiting, oldest }
    }
}
