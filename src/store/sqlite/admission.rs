//! Admission: reads the windows of a plan, decides, and sets room aside.

use super::holds::{self, Open};
use super::step::{Step, View};
use super::{counters, instances};
use crate::clock::Timestamp;
use crate::quota::held::{HoldId, Life, State};
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
    let mut open = holds::open_of(view.db, &plan.subject)?;
    open.retain(|hold| hold.counts(view.own, now));
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
        Ok(counters::used(step.db, id, &plan.subject)?)
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
                held: holds::held_in(open, &item.resource, bucket)?,
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
    let mut open = holds::retire(step, &plan.subject, now)?;
    // The same call again: it does not stand in its own way.
    let before = open.len();
    open.retain(|hold| hold.id != id);
    let repeated = open.len() < before;
    counters::open_all(step, plan)?;
    let readings = readings(step, plan, &open)?;
    if repeated {
        return Ok(Admission::Granted(readings));
    }
    if judge_all(plan, &readings)? != Verdict::Fits {
        return Ok(Admission::Denied(readings));
    }
    if !holds::add(step.db, plan, id, life)? {
        return Ok(Admission::Lapsed);
    }
    Ok(Admission::Granted(readings))
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
    let Some(hold) = holds::load(step.db, id)?.filter(|hold| hold.held.state == State::Open) else {
        return Ok(Admission::Lapsed);
    };
    if let Life::While(instance) = &hold.held.life {
        instances::sign_of_life(step, instance, now)?;
    }
    let open = holds::retire(step, &hold.held.subject, now)?;
    if !open.iter().any(|hold| hold.id == id) {
        return Ok(Admission::Lapsed);
    }
    counters::open_all(step, plan)?;
    let readings = readings(step, plan, &open)?;
    if judge_all(plan, &readings)? != Verdict::Fits {
        return Ok(Admission::Denied(readings));
    }
    for asked in &plan.items {
        let amount = asked.amount;
        if !holds::add_to_item(step.db, id, &asked.resource, amount)? {
            holds::add_item(step.db, id, &asked.resource, amount)?;
        }
    }
    Ok(Admission::Granted(readings))
}
