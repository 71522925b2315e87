//! Admission: decides a plan, and sets room aside or charges it at once.

use super::holds::Entry;
use super::open::{self, Open};
use super::step::Step;
use super::{buckets, holds, instances, ledger, readings, watch};
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::event::{Event, Kind};
use crate::quota::held::{Held, HeldItem, HoldId, Life, State};
use crate::quota::plan::{Plan, Readings};
use crate::quota::rule::{Verdict, judge_all};
use crate::store::{Admission, StoreError};

pub(super) fn reserve(
    step: &mut Step<'_>,
    plan: &Plan,
    id: HoldId,
    life: &Life,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    if plan.version != step.version()? {
        return Ok(Admission::Stale);
    }
    if let Life::While(instance) = life {
        instances::sign_of_life(step, instance, now)?;
    }
    let mut open = open::retire(step, &plan.subject, now)?;
    if let Some(known) = open.iter().position(|hold| hold.id == id) {
        // The same call again: it does not stand in its own way.
        let same = open.swap_remove(known);
        let readings = readings::of(step, plan, &open, now)?;
        open.push(same);
        open::keep(step, &plan.subject, open);
        return Ok(Admission::Granted(readings));
    }
    let readings = readings::of(step, plan, &open, now)?;
    let admission = if judge_all(plan, &readings, now)? != Verdict::Fits {
        // One that has ended is not denied: it was granted once.
        let is_known = holds::load(step.db, id)?.is_some();
        if is_known { Admission::Lapsed } else { Admission::Denied(readings) }
    } else if holds::add(step.db, plan, id, life)? {
        open.push(Open {
            id,
            subject: plan.subject.clone(),
            group: plan.group.clone(),
            at: plan.at,
            life: life.clone(),
            items: holds::items(plan),
        });
        step.known.remember_whose(id, &plan.subject);
        Admission::Granted(readings)
    } else {
        Admission::Lapsed
    };
    open::keep(step, &plan.subject, open);
    Ok(admission)
}

pub(super) fn grow(
    step: &mut Step<'_>,
    id: HoldId,
    plan: &Plan,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    if plan.version != step.version()? {
        return Ok(Admission::Stale);
    }
    let entry = holds::known(step, id)?;
    if let Some(Entry {
        held: Held { state: State::Open, life: Life::While(instance), .. }, ..
    }) = &entry
    {
        instances::sign_of_life(step, instance, now)?;
    }
    let mut open = open::retire(step, &plan.subject, now)?;
    let readings = readings::of(step, plan, &open, now)?;
    let fits = judge_all(plan, &readings, now)? == Verdict::Fits;
    let admission = match open.iter_mut().find(|hold| hold.id == id) {
        None => Admission::Lapsed,
        Some(_) if !fits => Admission::Denied(readings),
        Some(hold) => {
            enlarge(step, hold, plan)?;
            Admission::Granted(readings)
        }
    };
    open::keep(step, &plan.subject, open);
    Ok(admission)
}

/// Adds what `plan` asks to a reservation.
fn enlarge(step: &mut Step<'_>, hold: &mut Open, plan: &Plan) -> Result<(), StoreError> {
    for asked in &plan.items {
        let has = hold.items.iter().position(|item| item.resource == asked.resource);
        let place = has.unwrap_or(hold.items.len());
        if has.is_none() {
            hold.items.push(HeldItem {
                resource: asked.resource.clone(),
                amount: Amount::ZERO,
                metered: asked.metered,
            });
        }
        if let Some(item) = hold.items.get_mut(place) {
            item.amount = item.amount.plus(asked.amount)?;
            holds::write_item(step.db, hold.id, place, item)?;
        }
    }
    Ok(())
}

pub(super) fn consume(
    step: &mut Step<'_>,
    plan: &Plan,
    id: HoldId,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    if plan.version != step.version()? {
        return Ok(Admission::Stale);
    }
    let open = open::retire(step, &plan.subject, now)?;
    buckets::open_all(step, plan)?;
    let before = readings::of(step, plan, &open, now)?;
    let verdict = judge_all(plan, &before, now);
    // Most are new, and so are not looked for where they fit.
    let is_new = verdict == Ok(Verdict::Fits) && holds::add(step.db, plan, id, &Life::Until(now))?;
    let known = if is_new { None } else { holds::known(step, id)? };
    let admission = match known {
        Some(Entry { held, .. }) => again(step, plan, &held, &open, now),
        None if is_new => {
            charge(step, plan, id, (&open, &before), now).map(|()| Admission::Granted(before))
        }
        None => verdict.map(|_| Admission::Denied(before)).map_err(StoreError::from),
    };
    open::keep(step, &plan.subject, open);
    admission
}

/// Answers a call whose id is known.
fn again(
    step: &mut Step<'_>,
    plan: &Plan,
    held: &Held,
    open: &[Open],
    now: Timestamp,
) -> Result<Admission, StoreError> {
    match held.state {
        State::Settled => readings::without(step, plan, open, held.id, now).map(Admission::Granted),
        State::Open if open.iter().any(|hold| hold.id == held.id) => {
            Err(StoreError::Conflict("the reservation is open: settle it".to_owned()))
        }
        State::Open | State::Lapsed | State::Released | State::Refunded => Ok(Admission::Lapsed),
    }
}

/// Settles a reservation that was added just now.
fn charge(
    step: &mut Step<'_>,
    plan: &Plan,
    id: HoldId,
    (open, before): (&[Open], &Readings),
    now: Timestamp,
) -> Result<(), StoreError> {
    // What it turned out to be is what was asked.
    let total = plan.items.iter().find(|item| item.metered).map(|item| item.amount);
    holds::settle(step.db, id, total.unwrap_or_default(), false, now)?;
    for (place, item) in plan.items.iter().enumerate() {
        holds::charge_item(step.db, id, place, item.amount)?;
        let event = Event { hold: Some(id), ..plan.event(item, Kind::Settle) };
        ledger::append(step, &event, None, now)?;
    }
    let after = readings::of(step, plan, open, now)?;
    watch::watch(step, plan, before, &after, now)?;
    Ok(())
}
