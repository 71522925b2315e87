//! Facts: what happened, whatever the limits.

use super::Redis;
use crate::clock::Timestamp;
use crate::quota::Bucket;
use crate::quota::idempotency::Key;
use crate::quota::plan::Plan;
use crate::store::{Recorded, StoreError};

pub(super) async fn record(
    store: &Redis,
    plan: &Plan,
    key: Option<&Key>,
    now: Timestamp,
) -> Result<Option<Recorded>, StoreError> {
    let _ = (store, plan, key, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn set(
    store: &Redis,
    plan: &Plan,
    basis: usize,
    now: Timestamp,
) -> Result<Option<Recorded>, StoreError> {
    let _ = (store, plan, basis, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn reset(
    store: &Redis,
    plan: &Plan,
    bucket: Option<&Bucket>,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    let _ = (store, plan, bucket, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
