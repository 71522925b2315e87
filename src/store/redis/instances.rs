//! Instances: which processes live, by their sign of life and by a connection each.

use super::Redis;
use crate::clock::Timestamp;
use crate::quota::held::Instance;
use crate::store::StoreError;

pub(super) async fn join(
    store: &Redis,
    instance: &Instance,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let _ = (store, instance, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn beat(
    store: &Redis,
    instance: &Instance,
    now: Timestamp,
) -> Result<(), StoreError> {
    let _ = (store, instance, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn leave(
    store: &Redis,
    instance: &Instance,
    now: Timestamp,
) -> Result<(), StoreError> {
    let _ = (store, instance, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
