//! Ledger: writes events, and folds them; record and reset, which are nothing but events.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::End;
use super::step::Step;
use super::{admission, counters, open};
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::idempotency::Key;
use crate::quota::plan::Plan;
use crate::quota::rule::judge_all;
use crate::quota::{Amount, Bucket, Resource, Subject};
use crate::store::{Recorded, StoreError};

pub(super) fn record(
    step: &mut Step<'_>,
    plan: &Plan,
    key: Option<&Key>,
    now: Timestamp,
) -> Result<Option<Recorded>, StoreError> {
    if plan.version != step.version()? {
        return Ok(None);
    }
    let open = open::retire(step, &plan.subject, now)?;
    counters::open_all(step, plan)?;
    let before = admission::readings(step, plan, &open)?;
    let replayed = key.map_or(Ok(false), |key| replayed(step.db, &plan.subject, key))?;
    if !replayed {
        // Whatever the limits say: but a sum past 64 bits is refused.
        judge_all(plan, &before)?;
        let mut key = key;
        for item in &plan.items {
            let event = event(plan, Kind::Use, &item.resource, item.amount);
            append(step, &event, key.take(), now)?;
        }
    }
    let readings = admission::readings(step, plan, &open)?;
    open::keep(step, &plan.subject, open);
    Ok(Some(Recorded { readings, replayed }))
}

/// Returns true if `key` was used for the same before.
fn replayed(db: &Connection, subject: &Subject, key: &Key) -> Result<bool, StoreError> {
    let known: Option<Vec<u8>> = db
        .prepare_cached("SELECT fingerprint FROM event WHERE subject = ?1 AND key = ?2")?
        .query_row(params![subject, key.name], |row| row.get(0))
        .optional()?;
    match known {
        None => Ok(false),
        Some(known) if known == key.fingerprint => Ok(true),
        Some(_) => {
            Err(StoreError::Conflict("the key was used before for something else".to_owned()))
        }
    }
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
    let open = open::retire(step, &plan.subject, now)?;
    open::keep(step, &plan.subject, open);
    counters::open_all(step, plan)?;
    for item in &plan.items {
        let mut event = event(plan, Kind::Reset, &item.resource, Amount::ZERO);
        event.bucket = bucket.map(|bucket| bucket.key.clone());
        append(step, &event, None, now)?;
    }
    Ok(Some(()))
}

fn event(plan: &Plan, kind: Kind, resource: &Resource, amount: Amount) -> Event {
    Event {
        subject: plan.subject.clone(),
        resource: resource.clone(),
        kind,
        amount,
        at: plan.at,
        hold: None,
        bucket: None,
    }
}

/// Writes a line of the ledger, and counts it.
pub(super) fn append(
    step: &mut Step<'_>,
    event: &Event,
    key: Option<&Key>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut insert = step.db.prepare_cached(
        "INSERT INTO event (subject, resource, kind, amount, at_ms, recorded_ms,
                            hold, bucket, key, fingerprint)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    insert.execute(params![
        event.subject,
        event.resource,
        event.kind,
        event.amount,
        event.at,
        now,
        event.hold,
        event.bucket,
        key.map(|key| &key.name),
        key.map(|key| &key.fingerprint),
    ])?;
    match event.kind {
        Kind::Lapse => Ok(()),
        Kind::Use | Kind::Settle | Kind::Refund | Kind::Reset => counters::count(step, event),
    }
}

/// Returns what everyone has used of `bucket`, as the ledger tells it.
pub(super) fn fold(
    db: &Connection,
    resource: &Resource,
    bucket: &Bucket,
) -> Result<BTreeMap<Subject, Amount>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT subject, kind, amount, at_ms, bucket FROM event
         WHERE resource = ?1 AND at_ms >= ?2 AND at_ms < ?3 AND kind <> 'lapse' ORDER BY id",
    )?;
    let mut rows = query.query(params![resource, bucket.start, End(bucket.end)])?;
    let mut used = BTreeMap::<Subject, Amount>::new();
    while let Some(row) = rows.next()? {
        let event = line(row, row.get(0)?, resource)?;
        match used.get_mut(&event.subject) {
            Some(count) => *count = event.fold(*count, bucket),
            // Who has only been reset has not used anything.
            None if event.kind == Kind::Reset => {}
            None => {
                let count = event.fold(Amount::ZERO, bucket);
                used.insert(event.subject, count);
            }
        }
    }
    Ok(used)
}

/// Returns what `subject` has used of `bucket`, as the ledger tells it.
pub(super) fn fold_one(
    db: &Connection,
    subject: &Subject,
    resource: &Resource,
    bucket: &Bucket,
) -> Result<Amount, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT subject, kind, amount, at_ms, bucket FROM event
         WHERE subject = ?4 AND resource = ?1 AND at_ms >= ?2 AND at_ms < ?3 ORDER BY id",
    )?;
    let mut rows = query.query(params![resource, bucket.start, End(bucket.end), subject])?;
    let mut used = Amount::ZERO;
    while let Some(row) = rows.next()? {
        used = line(row, subject.clone(), resource)?.fold(used, bucket);
    }
    Ok(used)
}

fn line(row: &Row<'_>, subject: Subject, resource: &Resource) -> rusqlite::Result<Event> {
    Ok(Event {
        subject,
        resource: resource.clone(),
        kind: row.get(1)?,
        amount: row.get(2)?,
        at: row.get(3)?,
        hold: None,
        bucket: row.get(4)?,
    })
}
