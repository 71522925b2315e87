//! Series: the buckets by first use that charges have met: their days are told with each call, so
//! that a script need not ask for them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::place;
use super::plan::{self, Days};
use crate::clock::Timestamp;
use crate::quota::Bucket;
use crate::store::StoreError;

/// As many as are remembered.
const MOST: usize = 64;

/// What was met so far, by key.
#[derive(Debug, Default)]
pub(super) struct Series(Mutex<BTreeMap<String, Bucket>>);

impl Series {
    /// Remembers the series with this key, and returns the bucket that would begin at `at`.
    pub(super) fn remember(&self, key: &str, at: Timestamp) -> Result<Bucket, StoreError> {
        let bucket = place::series(key, at)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST {
            known.insert(key.to_owned(), bucket.clone());
        }
        Ok(bucket)
    }

    /// Returns the day of `at` in each of them.
    pub(super) fn days(&self, at: Timestamp) -> Days {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let day = |(key, bucket): (&String, &Bucket)| (key.clone(), vec![plan::day(bucket, at)]);
        known.iter().map(day).collect()
    }
}
