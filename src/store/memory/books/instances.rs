//! Who is alive.

use super::Books;
use crate::clock::Timestamp;
use crate::quota::held::{HoldId, Instance, Life, State};
impl Books {
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
        for held in self.holds.values_mut() {
            if held.state == State::Open && held.life == Life::While(instance.clone()) {
                held.state = State::Released;
            }
        }
    }
}
