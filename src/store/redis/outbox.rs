//! Outbox: what there is to tell, and who was told how much.

use super::Redis;
use crate::quota::notice::Notice;
use crate::store::StoreError;

pub(super) async fn notices(
    store: &Redis,
    behind: u64,
    most: usize,
) -> Result<Vec<Notice>, StoreError> {
    let _ = (store, behind, most);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn told(store: &Redis, target: &str) -> Result<u64, StoreError> {
    let _ = (store, target);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn tell(store: &Redis, target: &str, notice: u64) -> Result<(), StoreError> {
    let _ = (store, target, notice);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
