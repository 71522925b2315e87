//! Listing: who used what.

use super::Redis;
use crate::clock::Timestamp;
use crate::quota::{Aggregate, Bucket, Resource};
use crate::store::{Charged, Known, Page, StoreError, Usage};

pub(super) async fn users(
    store: &Redis,
    resource: &Resource,
    at: Timestamp,
    page: &Page,
) -> Result<Vec<Usage>, StoreError> {
    let _ = (store, resource, at, page);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn top(
    store: &Redis,
    resource: &Resource,
    aggregate: Aggregate,
    bucket: &Bucket,
    behind: Option<&Charged>,
    most: usize,
) -> Result<Vec<Charged>, StoreError> {
    let _ = (store, resource, aggregate, bucket, behind, most);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn subjects(
    store: &Redis,
    prefix: &str,
    page: &Page,
) -> Result<Vec<Known>, StoreError> {
    let _ = (store, prefix, page);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
