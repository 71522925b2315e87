//! Known: the policy as last seen, and what the subjects seen since have of their own.
//!
//! It may be outdated at any moment: every plan carries the version it was made from, and the
//! store refuses it if that is no longer the present one. Then all of this is read anew.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use moka::sync::Cache;

use super::{Engine, EngineError};
use crate::quota::{Grants, Layer, Policy, PolicyVersion, Subject};
use crate::store::Page;

/// How many subjects' grants are remembered at most.
const SUBJECTS: u64 = 100_000;

/// The version of a policy that no store has.
const UNSEEN: PolicyVersion = PolicyVersion(i64::MIN);
/// How many subjects are read in one step, where all are.
const PAGE: usize = 1000;
/// How often something is done again because the policy changed meanwhile, at most.
pub(super) const TRIES: usize = 32;

/// The latest snapshot.
#[derive(Debug)]
pub(super) struct Known {
    latest: RwLock<Arc<Snapshot>>,
    /// What was last seen of each subject, of whatever version: for when the store is out.
    seen: Cache<Subject, Arc<Grants>>,
}

/// The policy of one version, and grants of the same version.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) policy: Policy,
    grants: Cache<Subject, Arc<Grants>>,
}

impl Known {
    /// Knows this much.
    pub(super) fn new(policy: Policy) -> Self {
        Self { latest: RwLock::new(Snapshot::of(policy)), seen: Cache::new(SUBJECTS) }
    }

    fn latest(&self) -> Arc<Snapshot> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts `policy` in place; returns what is then in place.
    ///
    /// An older one too: a store that was restored, or lost its last changes with a server, goes
    /// on from where it is. If it only was read late, the store refuses plans made from it, and
    /// the newer one is read again.
    pub(super) fn learn(&self, policy: Policy) -> Arc<Snapshot> {
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        if latest.policy.version != policy.version {
            *latest = Snapshot::of(policy);
        }
        latest.clone()
    }

    /// Takes `file` for the whole policy until one is learned: any that a store has is another.
    pub(super) fn suppose(&self, file: Layer) {
        let policy = Policy { version: UNSEEN, file, ..Policy::default() };
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Snapshot::of(policy);
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
        for _ in 0..TRIES {
            if let Some(grants) = snapshot.grants.get(subject) {
                return Ok((snapshot, grants));
            }
            let (version, grants) = self.0.store.grants(subject).await?;
            if version == snapshot.policy.version {
                let grants = Arc::new(grants);
                snapshot.grants.insert(subject.clone(), grants.clone());
                self.0.known.seen.insert(subject.clone(), grants.clone());
                return Ok((snapshot, grants));
            }
            snapshot = self.refresh().await?;
        }
        Err(EngineError::outrun())
    }

    /// Returns the policy as last seen, and what `subject` then had of its own; one that was not
    /// seen has nothing.
    pub(super) fn last_seen(&self, subject: &Subject) -> (Arc<Snapshot>, Arc<Grants>) {
        let grants = self.0.known.seen.get(subject);
        (self.snapshot(), grants.unwrap_or_default())
    }

    /// Returns what every subject has of its own, of the same version as the snapshot returned.
    pub(super) async fn everyone(
        &self,
    ) -> Result<(Arc<Snapshot>, BTreeMap<Subject, Grants>), EngineError> {
        for _ in 0..TRIES {
            let snapshot = self.refresh().await?;
            let all = self.all_grants().await?;
            if self.refresh().await?.policy.version == snapshot.policy.version {
                return Ok((snapshot, all));
            }
        }
        Err(EngineError::outrun())
    }

    /// Returns what the subjects from `first` to `last` by name have of their own, of the same
    /// version as the snapshot returned.
    pub(super) async fn grants_between(
        &self,
        first: &Subject,
        last: &Subject,
    ) -> Result<(Arc<Snapshot>, BTreeMap<Subject, Grants>), EngineError> {
        for _ in 0..TRIES {
            let (version, own) = self.0.store.grants(first).await?;
            let mut all = BTreeMap::from([(first.clone(), own)]);
            let mut next = Some(first.clone()).filter(|first| first < last);
            while let Some(behind) = next {
                let part = self.0.store.all_grants(Page::behind(behind, PAGE)).await?;
                next = part.last().map(|(name, _)| name.clone()).filter(|name| name < last);
                all.extend(part.into_iter().take_while(|(name, _)| name <= last));
            }
            let snapshot = self.refresh().await?;
            if snapshot.policy.version == version {
                return Ok((snapshot, all));
            }
        }
        Err(EngineError::outrun())
    }

    async fn all_grants(&self) -> Result<BTreeMap<Subject, Grants>, EngineError> {
        let mut all = BTreeMap::new();
        let mut page = Page::first(PAGE);
        loop {
            let part = self.0.store.all_grants(page).await?;
            let Some((last, _)) = part.last() else { return Ok(all) };
            page = Page::behind(last.clone(), PAGE);
            all.extend(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_has_gone_back_is_followed() {
        let at = |version| Policy { version: PolicyVersion(version), ..Policy::default() };
        let known = Known::new(at(5));
        for version in [7, 6, 8] {
            assert_eq!(known.learn(at(version)).policy.version, PolicyVersion(version));
            assert_eq!(known.latest().policy.version, PolicyVersion(version));
        }
    }
}
