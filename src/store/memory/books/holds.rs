//! Room set aside, and how it ends.

use super::{Books, conflict, event_of};
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::event::Kind;
use crate::quota::held::{Held, HeldItem, HoldId, Life, State};
use crate::quota::plan::Plan;
use crate::quota::rule::{Verdict, judge_all};
use crate::store::{Admission, Settled, StoreError};
impl Books {
    pub(in crate::store::memory) fn reserve(
        &mut self,
        plan: &Plan,
        id: HoldId,
        life: Life,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        if plan.version != self.policy.version {
            return Ok(Admission::Stale);
        }
        if let Life::While(instance) = &life {
            self.beat(instance, now);
        }
        self.retire(&plan.subject, now);
        self.open(plan);
        // The same call again: it does not stand in its own way.
        if let Some(known) = self.holds.remove(&id) {
            let readings = self.read(plan, now);
            let open = known.state == State::Open;
            self.holds.insert(id, known);
            return Ok(if open { Admission::Granted(readings) } else { Admission::Lapsed });
        }
        let readings = self.read(plan, now);
        if judge_all(plan, &readings)? != Verdict::Fits {
            return Ok(Admission::Denied(readings));
        }
        let items = plan.items.iter();
        let items =
            items.map(|item| HeldItem { resource: item.resource.clone(), amount: item.amount });
        let held = Held {
            id,
            subject: plan.subject.clone(),
            at: plan.at,
            life,
            state: State::Open,
            items: items.collect(),
        };
        self.open.entry(held.subject.clone()).or_default().push(id);
        self.holds.insert(id, held);
        Ok(Admission::Granted(readings))
    }

    pub(in crate::store::memory) fn grow(
        &mut self,
        id: HoldId,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        if plan.version != self.policy.version {
            return Ok(Admission::Stale);
        }
        self.sign_of_life(id, now);
        self.retire(&plan.subject, now);
        self.open(plan);
        let readings = self.read(plan, now);
        let verdict = judge_all(plan, &readings)?;
        let open = self.holds.get_mut(&id).filter(|held| held.state == State::Open);
        let Some(held) = open else {
            return Ok(Admission::Lapsed);
        };
        if verdict != Verdict::Fits {
            return Ok(Admission::Denied(readings));
        }
        for asked in &plan.items {
            match held.items.iter_mut().find(|item| item.resource == asked.resource) {
                Some(item) => item.amount = item.amount.plus(asked.amount)?,
                None => held
                    .items
                    .push(HeldItem { resource: asked.resource.clone(), amount: asked.amount }),
            }
        }
        Ok(Admission::Granted(readings))
    }

    pub(in crate::store::memory) fn extend(
        &mut self,
        id: HoldId,
        end: Timestamp,
        now: Timestamp,
    ) -> bool {
        let Some(subject) = self.holds.get(&id).map(|held| held.subject.clone()) else {
            return false;
        };
        self.retire(&subject, now);
        match self.holds.get_mut(&id) {
            Some(held) if held.state == State::Open => {
                held.life = Life::Until(end);
                true
            }
            _ => false,
        }
    }

    pub(in crate::store::memory) fn settle(
        &mut self,
        id: HoldId,
        total: Amount,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        let Some(held) = self.holds.get(&id).cloned() else {
            return Ok(None);
        };
        self.retire(&held.subject, now);
        let Some(held) = self.holds.get_mut(&id) else {
            return Ok(None);
        };
        let charges = held.charges(total);
        let late = match held.state {
            State::Open => false,
            State::Lapsed => true,
            State::Settled if held.items == charges => {
                return Ok(Some(Settled { late: self.late.contains(&id), replayed: true }));
            }
            State::Settled => return conflict("the reservation was settled with another amount"),
            State::Released => return conflict("the reservation was released"),
            State::Refunded => return conflict("the reservation was refunded"),
        };
        held.state = State::Settled;
        held.items.clone_from(&charges);
        let held = held.clone();
        if late {
            self.late.insert(id);
        }
        for item in charges {
            self.happened(event_of(&held, item.resource, Kind::Settle, item.amount));
        }
        Ok(Some(Settled { late, replayed: false }))
    }

    pub(in crate::store::memory) fn release(
        &mut self,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        let Some(held) = self.holds.get(&id) else {
            return Ok(None);
        };
        let subject = held.subject.clone();
        self.retire(&subject, now);
        let Some(held) = self.holds.get_mut(&id) else {
            return Ok(None);
        };
        match held.state {
            State::Open => held.state = State::Released,
            State::Released | State::Lapsed => {}
            State::Settled | State::Refunded => return conflict("the reservation was settled"),
        }
        Ok(Some(()))
    }

    pub(in crate::store::memory) fn refund(
        &mut self,
        id: HoldId,
        _now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        let Some(held) = self.holds.get_mut(&id) else {
            return Ok(None);
        };
        match held.state {
            State::Refunded => return Ok(Some(())),
            State::Settled => held.state = State::Refunded,
            State::Open | State::Lapsed | State::Released => {
                return conflict("the reservation was not settled");
            }
        }
        let held = held.clone();
        for item in &held.items {
            let back = Amount::ZERO.minus(item.amount)?;
            self.happened(event_of(&held, item.resource.clone(), Kind::Refund, back));
        }
        Ok(Some(()))
    }
}
