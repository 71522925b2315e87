//! Facts: what is recorded, set and reset, whatever the limits say: nothing but lines.

use super::db::Db;
use super::step::Step;
use super::value::values;
use super::{buckets, ledger, open, readings, watch};
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::idempotency::Key;
use crate::quota::plan::{Item, Plan, Readings};
use crate::quota::rule::judge_all;
use crate::quota::{Aggregate, Amount, Bucket, Subject};
use crate::store::{Recorded, StoreError};

pub(in crate::store) fn record(
    step: &mut Step<'_>,
    plan: &Plan,
    key: Option<&Key>,
    now: Timestamp,
) -> Result<Option<Recorded>, StoreError> {
    let is_current = plan.version == step.version()?;
    if let Some(key) = key.filter(|_| is_current)
        && replayed(step.db, &plan.subject, key)?
    {
        let readings = charge(step, plan, now, |_, _| Ok(false))?;
        return Ok(readings.map(|readings| Recorded { readings, replayed: true }));
    }
    let readings = charge(step, plan, now, |step, before| {
        // Whatever the limits say: but a sum past 64 bits is refused.
        judge_all(plan, before, now)?;
        let mut key = key;
        plan.items.iter().try_for_each(|item| {
            ledger::append(step, &plan.event(item, Kind::Use), key.take(), now)
        })?;
        Ok(true)
    })?;
    Ok(readings.map(|readings| Recorded { readings, replayed: false }))
}

/// Lets `write` add lines to the ledger, if it says that it did; returns what the windows of the plan then read. None if
/// the plan is stale.
fn charge(
    step: &mut Step<'_>,
    plan: &Plan,
    now: Timestamp,
    write: impl FnOnce(&mut Step<'_>, &Readings) -> Result<bool, StoreError>,
) -> Result<Option<Readings>, StoreError> {
    if plan.version != step.version()? {
        return Ok(None);
    }
    let open = open::retire(step, &plan.subject, now)?;
    let before = readings::of(step, plan, &open, now)?;
    let mut after = before;
    if write(step, &after)? {
        let before = after;
        after = readings::of(step, plan, &open, now)?;
        if watch::watch(step, plan, &before, &after, now)? {
            after = readings::of(step, plan, &open, now)?;
        }
    }
    open::keep(step, &plan.subject, open);
    Ok(Some(after))
}

/// Returns true if `key` was used for the same before.
fn replayed(db: &dyn Db, subject: &Subject, key: &Key) -> Result<bool, StoreError> {
    let known: Option<Vec<u8>> = db.one(
        "SELECT fingerprint FROM event WHERE subject = ?1 AND key = ?2",
        values![subject, key.name],
        |row| row.get(0),
    )?;
    match known {
        None => Ok(false),
        Some(known) if known == key.fingerprint => Ok(true),
        Some(_) => {
            Err(StoreError::Conflict("the key was used before for something else".to_owned()))
        }
    }
}

pub(super) fn set(
    step: &mut Step<'_>,
    plan: &Plan,
    basis: usize,
    now: Timestamp,
) -> Result<Option<Recorded>, StoreError> {
    let readings = charge(step, plan, now, |step, before| {
        let [item] = plan.items.as_slice() else {
            return conflict("one resource is set at a time");
        };
        let Some(bound) = item.bounds.get(basis) else {
            return conflict("there is no such window to set");
        };
        let line = |kind, amount| Event { amount, ..plan.event(item, kind) };
        match item.aggregate {
            Aggregate::Sum => {
                let reading = before.first().and_then(|read| read.get(basis));
                let change = item.amount.minus(reading.copied().unwrap_or_default().used)?;
                if change == Amount::ZERO {
                    return Ok(false);
                }
                let item = Item { amount: change, ..item.clone() };
                judge_all(&Plan { items: vec![item], ..plan.clone() }, before, now)?;
                ledger::append(step, &line(Kind::Set, change), None, now)?;
            }
            Aggregate::Last => {
                ledger::append(step, &line(Kind::Use, item.amount), None, now)?;
            }
            Aggregate::Max => {
                let bucket = Some(bound.bucket.key.clone());
                let reset = Event { bucket, ..line(Kind::Reset, Amount::ZERO) };
                ledger::append(step, &reset, None, now)?;
                ledger::append(step, &line(Kind::Use, item.amount), None, now)?;
            }
            Aggregate::Unique => return conflict("members cannot be set"),
        }
        Ok(true)
    })?;
    Ok(readings.map(|readings| Recorded { readings, replayed: false }))
}

pub(super) fn reset(
    step: &mut Step<'_>,
    plan: &Plan,
    bucket: Option<&Bucket>,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    if plan.version != step.version()? {
        return Ok(None);
    }
    buckets::open_all(step, plan)?;
    watch::watching(step, Some(plan), now, |step| {
        plan.items.iter().try_for_each(|item| {
            let bucket = bucket.map(|bucket| bucket.key.clone());
            let event = Event { bucket, ..plan.event(item, Kind::Reset) };
            ledger::append(step, &event, None, now)
        })
    })?;
    Ok(Some(()))
}

fn conflict<T>(text: &str) -> Result<T, StoreError> {
    Err(StoreError::Conflict(text.to_owned()))
}
