//! Admission: reads the windows of a plan, decides, and sets room aside.

use super::holds::Entry;
use super::open::{self, Open};
use super::step::{Step, View};
use super::{counters, holds, instances};
use crate::clock::Timestamp;
use crate::quota::held::{HeldItem, HoldId, Life, State};
use crate::quota::plan::{Item, Plan, Reading, Readings};
use crate::quota::rule::{Verdict, judge_all};
use crate::quota::{Amount, Bucket, Resource};
use crate::store::{Admission, StoreError};

/// Reads what the windows of `plan` hold, and writes nothing.
pub(super) fn read(
    view: View<'_>,
    plan: &Plan,
    now: Timestamp,
) -> Result<Option<Readings>, StoreError> {
    if plan.version != super::policy::version(view.db)? {
        return Ok(None);
    }
    let open = open::counting(view, &plan.subject, now)?;
    windows(plan, &open, |resource, bucket| {
        counters::used_or_folded(view, &plan.subject, resource, bucket)
    })
    .map(Some)
}

/// Reads what the windows of `plan` hold, beside the `open` reservations; opens their buckets.
pub(super) fn readings(
    step: &mut Step<'_>,
    plan: &Plan,
    open: &[Open],
) -> Result<Readings, StoreError> {
    windows(plan, open, |resource, bucket| {
        let id = counters::open(step, resource, bucket)?;
        Ok(counters::used_by(step, id, &plan.subject)?)
    })
}

fn windows(
    plan: &Plan,
    open: &[Open],
    mut used: impl FnMut(&Resource, &Bucket) -> Result<Amount, StoreError>,
) -> Result<Readings, StoreError> {
    let mut windows = |item: &Item| -> Result<Vec<Reading>, StoreError> {
        let mut read = |bucket: &Bucket| {
            Ok(Reading {
                used: used(&item.resource, bucket)?,
                held: open::held_in(open, &item.resource, bucket),
            })
        };
        item.bounds.iter().map(|bound| read(&bound.bucket)).collect()
    };
    plan.items.iter().map(&mut windows).collect()
}

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
    counters::open_all(step, plan)?;
    if let Some(known) = open.iter().position(|hold| hold.id == id) {
        // The same call again: it does not stand in its own way.
        open.swap_remove(known);
        return readings(step, plan, &open).map(Admission::Granted);
    }
    let readings = readings(step, plan, &open)?;
    let admission = if judge_all(plan, &readings)? != Verdict::Fits {
        Admission::Denied(readings)
    } else if holds::add(step.db, plan, id, life)? {
        open.push(Open { id, at: plan.at, life: life.clone(), items: held(plan) });
        Admission::Granted(readings)
    } else {
        Admission::Lapsed
    };
    open::keep(step, &plan.subject, open);
    Ok(admission)
}

fn held(plan: &Plan) -> Vec<HeldItem> {
    let items = plan.items.iter();
    items.map(|item| HeldItem { resource: item.resource.clone(), amount: item.amount }).collect()
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
    let entry = holds::load(step.db, id)?;
    let Some(Entry { held, .. }) = entry.filter(|entry| entry.held.state == State::Open) else {
        return Ok(Admission::Lapsed);
    };
    if let Life::While(instance) = &held.life {
        instances::sign_of_life(step, instance, now)?;
    }
    let mut open = open::retire(step, &held.subject, now)?;
    counters::open_all(step, plan)?;
    let readings = readings(step, plan, &open)?;
    let fits = judge_all(plan, &readings)? == Verdict::Fits;
    let admission = match open.iter_mut().find(|hold| hold.id == id) {
        None => Admission::Lapsed,
        Some(_) if !fits => Admission::Denied(readings),
        Some(hold) => {
            enlarge(step, hold, plan)?;
            Admission::Granted(readings)
        }
    };
    open::keep(step, &held.subject, open);
    Ok(admission)
}

/// Adds what `plan` asks to a reservation.
fn enlarge(step: &mut Step<'_>, hold: &mut Open, plan: &Plan) -> Result<(), StoreError> {
    for asked in &plan.items {
        let has = hold.items.iter().position(|item| item.resource == asked.resource);
        let place = has.unwrap_or(hold.items.len());
        if has.is_none() {
            let (resource, amount) = (asked.resource.clone(), Amount::ZERO);
            hold.items.push(HeldItem { resource, amount });
        }
        if let Some(item) = hold.items.get_mut(place) {
            item.amount = item.amount.plus(asked.amount)?;
            holds::write_item(step.db, hold.id, place, item)?;
        }
    }
    Ok(())
}
