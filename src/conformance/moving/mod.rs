//! S17: windows that move: those that end now, and those that open by their first use.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::quota::plan::Reading;
use crate::store::Store;

use crate::conformance::words::*;

pub(super) mod first_use;
pub(super) mod rolling;

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

pub(super) async fn one(store: &dyn Store, at: Timestamp, window: &str) -> Reading {
    windows(store, &wants_at(at, 0, &[window])).await[0]
}

pub(super) async fn count(store: &dyn Store, at: Timestamp, window: &str) -> i64 {
    one(store, at, window).await.used.get()
}
