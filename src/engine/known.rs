//! Known: the policy as last seen, and what the subjects seen since have of their own.
//!
//! It may be outdated at any moment: every plan carries the version it was made from, and the
//! store refuses it if that is no longer the present one. Then all of this is read anew.

use std::sync::{Arc, PoisonError, RwLock};

use moka::sync::Cache;

use super::{Engine, EngineError};
use crate::quota::{Grants, Policy, Subject};

/// How many subjects' grants are remembered at most.
const SUBJECTS: u64 = 100_000;

/// The latest snapshot.
#[derive(Debug)]
pub(super) struct Known(RwLock<Arc<Snapshot>>);

/// The policy of one version, and grants of the same version.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) policy: Policy,
    grants: Cache<Subject, Arc<Grants>>,
}

impl Known {
    pub(super) fn new(policy: Policy) -> Self {
        Self(RwLock::new(Snapshot::of(policy)))
    }

    fn latest(&self) -> Arc<Snapshot> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts `policy` in place, unless a newer one already is; returns what is then in place.
    fn learn(&self, policy: Policy) -> Arc<Snapshot> {
        let mut latest = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if latest.policy.version < policy.version {
            *latest = Snapshot::of(policy);
        }
        latest.clone()
    }
}

impl Snapshot {
    fn of(policy: Policy) -> Arc<Self> {
        Arc::new(Self { policy, grants: Cache::new(SUBJECTS) })
    }
}

impl Engine {
    /// Returns the policy as last seen.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.known.latest()
    }

    /// Reads the present policy from the store.
    pub(super) async fn refresh(&self) -> Result<Arc<Snapshot>, EngineError> {
        let policy = self.0.store.policy().await?;
        Ok(self.0.known.learn(policy))
    }

    /// Returns what `subject` has of its own, of the same version as the snapshot returned.
    pub(super) async fn grants(
        &self,
        subject: &Subject,
    ) -> Result<(Arc<Snapshot>, Arc<Grants>), EngineError> {
        let mut snapshot = self.snapshot();
        loop {
            if let Some(grants) = snapshot.grants.get(subject) {
                return Ok((snapshot, grants));
            }
            let (version, grants) = self.0.store.grants(subject).await?;
            if version == snapshot.policy.version {
                let grants = Arc::new(grants);
                snapshot.grants.insert(subject.clone(), grants.clone());
                return Ok((snapshot, grants));
            }
            snapshot = self.refresh().await?;
        }
    }
}
