//! Keeping: old lines taken out of the ledger, counts compared with it.

use super::Redis;
use crate::clock::Timestamp;
use crate::quota::Subject;
use crate::store::{Drift, Opened, Pruned, StoreError};

pub(super) async fn recount(
    store: &Redis,
    opened: &Opened,
    subject: Option<&Subject>,
    dry_run: bool,
) -> Result<Vec<Drift>, StoreError> {
    let _ = (store, opened, subject, dry_run);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
