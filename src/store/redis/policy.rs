//! Policy: its layers, and what single subjects have of their own.

use super::Redis;
use crate::quota::{Grants, Layer, Policy, PolicyVersion, Subject};
use crate::store::{LayerKind, StoreError};

pub(super) async fn load(store: &Redis) -> Result<Policy, StoreError> {
    let _ = (store,);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn write_layer(
    store: &Redis,
    kind: LayerKind,
    layer: &Layer,
    seen: PolicyVersion,
) -> Result<PolicyVersion, StoreError> {
    let _ = (store, kind, layer, seen);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn grants(
    store: &Redis,
    subject: &Subject,
) -> Result<(PolicyVersion, Grants), StoreError> {
    let _ = (store, subject);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}

pub(super) async fn write_grants(
    store: &Redis,
    subject: &Subject,
    grants: &Grants,
    seen: PolicyVersion,
) -> Result<PolicyVersion, StoreError> {
    let _ = (store, subject, grants, seen);
    Err(StoreError::unavailable("the books in Redis cannot tell this", "use another store for it"))
}
