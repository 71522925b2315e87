//! Forget: all that one subject did, given to a name that says nothing.

use super::Redis;
use crate::clock::Timestamp;
use crate::quota::Subject;
use crate::store::StoreError;

pub(super) async fn forget(
    store: &Redis,
    subject: &Subject,
    pseudonym: &Subject,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let _ = (store, subject, pseudonym, now);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
