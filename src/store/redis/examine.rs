//! Examine: what could make the books in Redis lie or be lost; what time it is there.

use super::Redis;
use crate::clock::Timestamp;
use crate::store::{Finding, StoreError};

pub(super) async fn examine(store: &Redis, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
    let _ = (store, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn time(store: &Redis) -> Result<Option<Timestamp>, StoreError> {
    let _ = (store,);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
