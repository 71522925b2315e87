//! Room set aside, or charged at once.

use super::{Books, SettledAs, conflict};
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::event::{Event, Kind};
use crate::quota::held::{Held, HeldItem, HoldId, Life, State};
use crate::quota::plan::{Item, Plan};
use crate::quota::rule::{Verdict, judge_all};
use crate::store::{Admission, StoreError};

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
        let known = self.as_at(id, now).map(|held| held.state);
        // The same call again: it does not stand in its own way.
        let readings = self.read_without(known.map(|_| id), plan, now);
        let fits = known.is_some() || judge_all(plan, &readings, now)? == Verdict::Fits;
        self.retire(&plan.subject, now);
        self.open(plan);
        match known {
            Some(State::Open) => Ok(Admission::Granted(readings)),
            Some(_) => Ok(Admission::Lapsed),
            None if fits => {
                self.begin(held(plan, id, life, State::Open));
                Ok(Admission::Granted(readings))
            }
            None => Ok(Admission::Denied(readings)),
        }
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
        let readings = self.read(plan, now);
        let verdict = judge_all(plan, &readings, now)?;
        self.retire(&plan.subject, now);
        self.open(plan);
        let open = self.holds.get_mut(&id).filter(|held| held.state == State::Open);
        let Some(held) = open else {
            return Ok(Admission::Lapsed);
        };
        if verdict != Verdict::Fits {
            return Ok(Admission::Denied(readings));
        }
        held.items = grown(&held.items, plan)?;
        Ok(Admission::Granted(readings))
    }

    pub(in crate::store::memory) fn consume(
        &mut self,
        plan: &Plan,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        if plan.version != self.policy.version {
            return Ok(Admission::Stale);
        }
        let known = self.as_at(id, now).map(|held| held.state);
        if known == Some(State::Open) {
            return conflict("the reservation is open: settle it");
        }
        let readings = self.read_without(known.map(|_| id), plan, now);
        let fits = known.is_some() || judge_all(plan, &readings, now)? == Verdict::Fits;
        self.retire(&plan.subject, now);
        self.open(plan);
        match known {
            Some(State::Settled) => return Ok(Admission::Granted(readings)),
            Some(_) => return Ok(Admission::Lapsed),
            None if fits => {}
            None => return Ok(Admission::Denied(readings)),
        }
        self.holds.insert(id, held(plan, id, Life::Until(now), State::Settled));
        let metered = plan.items.iter().find(|item| item.metered);
        let total = metered.map_or(Amount::ZERO, |item| item.amount);
        self.settled.insert(id, SettledAs { total, late: false });
        self.watched(Some(plan), now, |books| {
            for item in &plan.items {
                let charge = plan.event(item, Kind::Settle);
                books.happened(Event { hold: Some(id), ..charge }, None, now);
            }
        });
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
}

fn held(plan: &Plan, id: HoldId, life: Life, state: State) -> Held {
    Held {
        id,
        subject: plan.subject.clone(),
        group: plan.group.clone(),
        at: plan.at,
        life,
        state,
        items: plan.items.iter().map(set_aside).collect(),
    }
}

fn set_aside(item: &Item) -> HeldItem {
    HeldItem { resource: item.resource.clone(), amount: item.amount, metered: item.metered }
}

/// Returns `items` with what `plan` adds to them.
fn grown(items: &[HeldItem], plan: &Plan) -> Result<Vec<HeldItem>, StoreError> {
    let mut items = items.to_vec();
    for asked in &plan.items {
        match items.iter_mut().find(|item| item.resource == asked.resource) {
            Some(item) => item.amount = item.amount.plus(asked.amount)?,
            None => items.push(set_aside(asked)),
        }
    }
    Ok(items)
}
