//! Step: what one call sees inside a transaction.

use super::db::Db;
use super::engine::Own;
use super::instances;
use super::known::Known;
use super::policy;
use crate::clock::Timestamp;
use crate::quota::PolicyVersion;
use crate::quota::held::Instance;
use crate::store::StoreError;

/// One state of the books, for calls that only read.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct View<'a> {
    pub(in crate::store) db: &'a dyn Db,
    pub(super) own: &'a dyn Own,
}

/// One call that writes, inside the writer's transaction.
#[derive(Debug)]
pub(in crate::store) struct Step<'a> {
    pub(in crate::store) db: &'a dyn Db,
    pub(super) own: &'a dyn Own,
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
    pub(super) fn seen(&mut self, instance: &Instance) -> Result<Option<Timestamp>, StoreError> {
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
