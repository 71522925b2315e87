//! Settle: how a reservation ends: settled, released, refunded.

use super::Redis;
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::held::HoldId;
use crate::quota::plan::Plan;
use crate::store::{Settled, StoreError};

pub(super) async fn settle(
    store: &Redis,
    id: HoldId,
    total: Amount,
    watched: Option<&Plan>,
    now: Timestamp,
) -> Result<Option<Settled>, StoreError> {
    let _ = (store, id, total, watched, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn release(
    store: &Redis,
    id: HoldId,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    let _ = (store, id, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn refund(
    store: &Redis,
    id: HoldId,
    watched: Option<&Plan>,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    let _ = (store, id, watched, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
