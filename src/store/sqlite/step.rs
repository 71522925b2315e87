//! Step: what one call sees inside a transaction, and what the writer need not ask twice.

use std::collections::HashMap;

use rusqlite::Connection;

use super::instances::Own;
use super::policy;
use crate::clock::Timestamp;
use crate::quota::held::Instance;
use crate::quota::{PolicyVersion, Resource};
use crate::store::StoreError;

/// One state of the books, for calls that only read.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) db: &'a Connection,
    pub(super) own: &'a Own,
}

/// One call that writes, inside the writer's transaction.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) db: &'a Connection,
    pub(super) own: &'a Own,
    pub(super) known: &'a mut Known,
}

impl Step<'_> {
    pub(super) fn view(&self) -> View<'_> {
        View { db: self.db, own: self.own }
    }

    /// Returns the present version of the policy.
    pub(super) fn version(&mut self) -> Result<PolicyVersion, StoreError> {
        if let Some(version) = self.known.version {
            return Ok(version);
        }
        let version = policy::version(self.db)?;
        self.known.version = Some(version);
        Ok(version)
    }
}

/// What the writer has read or written before, as long as that still holds.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Changes when another connection, of this process or another, has written.
    data_version: Option<i64>,
    pub(super) version: Option<PolicyVersion>,
    /// Opened buckets: resource and key → `bucket.id`.
    pub(super) buckets: HashMap<Resource, HashMap<String, i64>>,
    /// Signs of life, as written.
    pub(super) seen: HashMap<Instance, Timestamp>,
    /// When ended reservations were last thrown away.
    pub(super) tidied: Option<Timestamp>,
}

impl Known {
    /// Forgets everything if another connection has written since `data_version` was different.
    pub(super) fn written_by_others(&mut self, data_version: i64) {
        if self.data_version != Some(data_version) {
            self.forget();
            self.data_version = Some(data_version);
        }
    }

    /// Forgets everything: some of it was not committed after all.
    pub(super) fn forget(&mut self) {
        *self = Self { tidied: self.tidied, ..Self::default() };
    }
}
