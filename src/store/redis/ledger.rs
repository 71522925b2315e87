//! Ledger: the lines, and what they come to.

use super::Redis;
use crate::clock::Timestamp;
use crate::quota::event::Line;
use crate::quota::{Aggregate, Amount, Resource, Subject};
use crate::store::{Balance, Lines, StoreError};

pub(super) async fn lines(store: &Redis, which: &Lines) -> Result<Vec<Line>, StoreError> {
    let _ = (store, which);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn history(
    store: &Redis,
    subject: Option<&Subject>,
    resource: &Resource,
    aggregate: Aggregate,
    cuts: &[Timestamp],
) -> Result<Vec<Amount>, StoreError> {
    let _ = (store, subject, resource, aggregate, cuts);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn balances(store: &Redis) -> Result<Vec<Balance>, StoreError> {
    let _ = (store,);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
