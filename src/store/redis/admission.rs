//! Admission: decides a plan, and sets room aside or charges it at once.

use super::Redis;
use crate::clock::Timestamp;
use crate::quota::held::{Held, HoldId, Life};
use crate::quota::plan::{Plan, Readings};
use crate::store::{Admission, StoreError};

pub(super) async fn read(
    store: &Redis,
    plan: &Plan,
    now: Timestamp,
) -> Result<Option<Readings>, StoreError> {
    let _ = (store, plan, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn reserve(
    store: &Redis,
    plan: &Plan,
    id: HoldId,
    life: &Life,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    let _ = (store, plan, id, life, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn grow(
    store: &Redis,
    id: HoldId,
    plan: &Plan,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    let _ = (store, id, plan, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn consume(
    store: &Redis,
    plan: &Plan,
    id: HoldId,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    let _ = (store, plan, id, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn extend(
    store: &Redis,
    id: HoldId,
    end: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let _ = (store, id, end, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn held(store: &Redis, id: HoldId) -> Result<Option<Held>, StoreError> {
    let _ = (store, id);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn open(
    store: &Redis,
    now: Timestamp,
    most: usize,
) -> Result<Vec<Held>, StoreError> {
    let _ = (store, now, most);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
