//! Grants: what subjects have of their own, by name.

use super::Redis;
use crate::quota::{Grants, Subject};
use crate::store::{Page, StoreError};

pub(super) async fn all(store: &Redis, page: &Page) -> Result<Vec<(Subject, Grants)>, StoreError> {
    let _ = (store, page);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
