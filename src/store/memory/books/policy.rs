//! The policy, and what single subjects have of their own.

use super::counters::Place;
use super::{Books, conflict};
use crate::quota::{Grants, Layer, PolicyVersion, Subject};
use crate::store::{LayerKind, StoreError};

impl Books {
    pub(in crate::store::memory) fn write_layer(
        &mut self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        let current = match kind {
            LayerKind::File => &self.policy.file,
            LayerKind::Store => &self.policy.store,
        };
        if *current == layer {
            return Ok(self.policy.version);
        }
        let version = self.next_version(seen)?;
        match kind {
            LayerKind::File => self.policy.file = layer,
            LayerKind::Store => self.policy.store = layer,
        }
        self.policy.version = version;
        self.close_what_adds_up_otherwise();
        Ok(version)
    }

    /// Closes the buckets of resources that no longer add up as these were counted: they are
    /// folded anew when they are asked for.
    pub(super) fn close_what_adds_up_otherwise(&mut self) {
        let policy = &self.policy;
        let present = |place: &Place| policy.measure(&place.resource).aggregate;
        self.opened.retain(|place, counters| present(place) == counters.aggregate);
    }

    pub(in crate::store::memory) fn write_grants(
        &mut self,
        subject: &Subject,
        grants: Grants,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        if self.grants.get(subject).cloned().unwrap_or_default() == grants {
            return Ok(self.policy.version);
        }
        self.policy.version = self.next_version(seen)?;
        if grants.is_empty() {
            self.grants.remove(subject);
        } else {
            self.grants.insert(subject.clone(), grants);
        }
        Ok(self.policy.version)
    }

    pub(super) fn next_version(&self, seen: PolicyVersion) -> Result<PolicyVersion, StoreError> {
        if seen != self.policy.version {
            return conflict("the policy was changed by someone else: try again");
        }
        Ok(PolicyVersion(seen.0 + 1))
    }
}
