//! Underway: what is metered as it is counted, from the room it was given to what became of it.

use std::sync::Arc;

use super::action::Action;
use super::denials;
use crate::engine::Decision;
use crate::quota::Amount;
use crate::telemetry::labels::Outcome;
use crate::telemetry::{Access, Metrics};

/// An upload, or what else is metered, that has room. What became of it is told when it is dropped; nothing said, its room
/// was released.
#[derive(Debug)]
pub(super) struct Underway {
    action: Action,
    metrics: Arc<Metrics>,
    access: Option<Arc<Access>>,
    outcome: Outcome,
    bytes: u64,
    /// Reserved for it; none once that is over.
    room: Option<Amount>,
    /// A window that only observes was counted as denying it.
    observed: bool,
}

impl Underway {
    /// Begins to count one that was given `room` by `decision`.
    pub(super) fn begin(
        action: Action,
        metrics: Arc<Metrics>,
        access: Option<Arc<Access>>,
        room: Amount,
        decision: &Decision,
    ) -> Self {
        metrics.uploads.reserved(room.get());
        let (outcome, room) = (Outcome::Released, Some(room));
        let mut this = Self { action, metrics, access, outcome, bytes: 0, room, observed: false };
        this.observe(decision);
        this
    }

    pub(super) const fn action(&self) -> &Action {
        &self.action
    }

    /// Returns who is told of its bytes.
    pub(super) fn access(&self) -> Option<Arc<Access>> {
        self.access.clone()
    }

    /// Counts what has come of it in all.
    pub(super) fn counted(&mut self, bytes: Amount) {
        self.bytes = u64::try_from(bytes.get()).unwrap_or_default();
    }

    /// Says that `decision` gave it `room` in all.
    pub(super) fn grown(&mut self, room: Amount, decision: &Decision) {
        if let Some(before) = self.room.replace(room) {
            self.metrics.uploads.grown(room.get().saturating_sub(before.get()));
        }
        self.observe(decision);
    }

    /// Says that no room is reserved for it any more.
    pub(super) fn unreserved(&mut self) {
        if let Some(room) = self.room.take() {
            self.metrics.uploads.unreserved(room.get());
        }
    }

    /// Says what became of it, as far as that is known now.
    pub(super) fn is(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// Counts windows that would have denied it, once.
    fn observe(&mut self, decision: &Decision) {
        if !self.observed {
            self.observed = denials::count(&self.action, decision, &self.metrics.uploads);
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.unreserved();
        denials::ended(&self.metrics.uploads, &self.action, self.outcome, self.bytes);
        if let Some(access) = &self.access {
            access.metered(self.outcome);
        }
    }
}
