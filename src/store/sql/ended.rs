//! Ended: what was kept of buckets that ended long ago, and of parts that no window reaches any
//! more, thrown away little by little.
//!
//! A bucket is first taken out of use whole, so that nobody takes what is left of its counters for
//! all there are; whoever asks for it again is told what the ledger has.

use std::collections::HashMap;

use super::columns::Count;
use super::db::{Db, LateIndex};
use super::step::Step;
use super::value::values;
use super::{buckets, parts};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::{Aggregate, Per, Resource};
use crate::store::StoreError;

/// Throws away some of what ended before `before`, at most so many rows of each kind; returns the
/// most rows of one kind that were.
pub(super) fn throw_away(
    step: &mut Step<'_>,
    before: Timestamp,
    now: Timestamp,
    most: usize,
) -> Result<usize, StoreError> {
    let ended = end(step.db, before, most)?;
    let counters = throw_counters_away(step.db, most)?;
    let parts = throw_parts_away(step.db, before, now, most)?;
    step.known.forget();
    Ok(ended.max(counters).max(parts))
}

/// Takes buckets out of use.
fn end(db: &dyn Db, before: Timestamp, most: usize) -> Result<usize, StoreError> {
    db.change(
        "UPDATE bucket SET shape = 'ended', key = key || ' ' || id, start_ms = ?3, end_ms = ?3
         WHERE id IN (SELECT id FROM bucket WHERE shape = 'stretch' AND end_ms <= ?1 LIMIT ?2)",
        values![before, Count(most), i64::MIN],
    )
}

fn throw_counters_away(db: &dyn Db, most: usize) -> Result<usize, StoreError> {
    let mut thrown = 0;
    for (table, row) in [("counter", "bucket, account"), ("member", "bucket, account, member")] {
        let some = format!(
            "DELETE FROM {table} WHERE ({row}) IN
             (SELECT {row} FROM {table}
              WHERE bucket IN (SELECT id FROM bucket WHERE shape = 'ended') LIMIT ?1)"
        );
        thrown = thrown.max(db.change(&some, values![Count(most)])?);
    }
    db.write(
        "DELETE FROM bucket WHERE shape = 'ended'
         AND NOT EXISTS (SELECT 1 FROM counter WHERE counter.bucket = bucket.id)
         AND NOT EXISTS (SELECT 1 FROM member WHERE member.bucket = bucket.id)",
        values![],
    )?;
    Ok(thrown)
}

/// Throws away the parts from before `before` that no opened window reaches at `now`.
fn throw_parts_away(
    db: &dyn Db,
    before: Timestamp,
    now: Timestamp,
    most: usize,
) -> Result<usize, StoreError> {
    let all = parts::all_kept(db)?;
    if all.is_empty() {
        return Ok(0);
    }
    db.index(LateIndex::PartsByStart)?;
    let reach = reach(db, now)?;
    let mut thrown = 0;
    for (resource, per, size, from) in all {
        let reach = reach.get(&(resource.clone(), per)).copied().unwrap_or(Timestamp::MAX);
        let first = parts::ceiling(reach.min(before).millis(), size).max(from);
        thrown = thrown.max(parts::throw_away(db, (&resource, per, size), first, most)?);
    }
    Ok(thrown)
}

/// Returns how far back the rolling windows that are kept in parts reach at `now`.
fn reach(db: &dyn Db, now: Timestamp) -> Result<HashMap<(Resource, Per), Timestamp>, StoreError> {
    let mut reach = HashMap::new();
    for (resource, place) in buckets::all(db)? {
        let bucket = buckets::at(place.bucket, now)?;
        if place.aggregate == Aggregate::Sum && matches!(bucket.shape, Shape::Rolling { .. }) {
            let first = reach.entry((resource, place.per)).or_insert(bucket.start);
            *first = bucket.start.min(*first);
        }
    }
    Ok(reach)
}
