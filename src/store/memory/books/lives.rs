//! Lives: which reservations are open, and who is alive.

use std::sync::Arc;

use super::Books;
use crate::clock::Timestamp;
use crate::quota::event::{EVERYONE, Kind};
use crate::quota::held::{Held, HoldId, Instance, Life, State};
use crate::quota::{Amount, Per, Subject};
use crate::store::INSTANCE_LEASE;

impl Books {
    /// Returns true if `held` is open and its life has not ended.
    pub(super) fn counts(&self, held: &Held, now: Timestamp) -> bool {
        held.state == State::Open
            && match &held.life {
                Life::Until(end) => now < *end,
                Life::While(instance) => {
                    self.seen.get(instance).is_some_and(|seen| now < seen.after(INSTANCE_LEASE))
                }
            }
    }

    /// Returns the open reservations that take room from `name`.
    pub(super) fn open_of(&self, per: Per, name: &str) -> impl Iterator<Item = &Held> {
        let ids = self.open.get(&(per, Arc::from(name))).into_iter().flatten();
        ids.filter_map(|id| self.holds.get(id))
    }

    /// Returns the reservations that count at `now`, oldest first.
    pub(in crate::store::memory) fn open_at(&self, now: Timestamp, most: usize) -> Vec<Held> {
        let open = self.open_of(Per::Server, EVERYONE).filter(|held| self.counts(held, now));
        let mut open: Vec<_> = open.cloned().collect();
        open.sort_by_key(|held| (held.at, held.id));
        open.truncate(most);
        open
    }

    /// Makes an open reservation known.
    pub(super) fn begin(&mut self, held: Held) {
        for whose in accounts(&held) {
            self.open.entry(whose).or_default().insert(held.id);
        }
        self.holds.insert(held.id, held);
    }

    /// Brings a reservation into `state`, in which it is no longer open.
    pub(super) fn end(&mut self, id: HoldId, state: State) {
        let Some(held) = self.holds.get_mut(&id) else {
            return;
        };
        held.state = state;
        for whose in accounts(held) {
            if let Some(open) = self.open.get_mut(&whose) {
                open.remove(&id);
                if open.is_empty() {
                    self.open.remove(&whose);
                }
            }
        }
    }

    /// Ends the reservations of `subject` whose life has ended.
    pub(super) fn retire(&mut self, subject: &Subject, now: Timestamp) {
        let open = self.open_of(Per::Subject, subject.as_str());
        let due = open.filter(|held| !self.counts(held, now));
        let due: Vec<_> = due.cloned().collect();
        for held in due {
            self.end(held.id, State::Lapsed);
            for item in &held.items {
                self.happened(held.event(item, Kind::Lapse, Amount::ZERO), None, now);
            }
        }
    }

    pub(in crate::store::memory) fn beat(&mut self, instance: &Instance, now: Timestamp) {
        self.seen.insert(instance.clone(), now);
    }

    /// Whoever grows an open reservation is its owner, and alive.
    pub(super) fn sign_of_life(&mut self, id: HoldId, now: Timestamp) {
        let open = self.holds.get(&id).filter(|held| held.state == State::Open);
        if let Some(Life::While(instance)) = open.map(|held| held.life.clone()) {
            self.beat(&instance, now);
        }
    }

    pub(in crate::store::memory) fn leave(&mut self, instance: &Instance) {
        self.seen.remove(instance);
        let own = Life::While(instance.clone());
        let open = self.open_of(Per::Server, EVERYONE).filter(|held| held.life == own);
        let open: Vec<_> = open.map(|held| held.id).collect();
        for id in open {
            self.end(id, State::Released);
        }
    }
}

/// Returns whose room `held` takes.
fn accounts(held: &Held) -> Vec<(Per, Arc<str>)> {
    let group = held.group.clone().map(|group| (Per::Group, group));
    let own = (Per::Subject, Arc::from(held.subject.as_str()));
    [own, (Per::Server, Arc::from(EVERYONE))].into_iter().chain(group).collect()
}
