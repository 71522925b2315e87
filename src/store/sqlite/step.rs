//! Step: what one call sees inside a transaction.

use rusqlite::Connection;

use super::instances::{self, Own};
use super::known::Known;
use super::policy;
use crate::clock::Timestamp;
use crate::quota::PolicyVersion;
use crate::quota::held::Instance;
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

    /// Returns the latest sign of life of `instance`.
    pub(super) fn seen(&mut self, instance: &Instance) -> rusqlite::Result<Option<Timestamp>> {
        if let Some(seen) = self.known.seen(instance) {
            return Ok(Some(seen));
        }
        let seen = instances::seen(self.db, instance)?;
        if let Some(seen) = seen {
            self.known.remember_seen(instance, seen);
        }
        Ok(seen)
    }
}
