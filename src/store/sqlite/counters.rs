//! Counters: what is used of opened buckets, kept up to date with every line of the ledger.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::buckets::{self, Place};
use super::step::Step;
use super::window::Window;
use super::{fold, members, parts, tally};
use crate::quota::bucket::Shape;
use crate::quota::count::{Count, Counted, can_be_kept};
use crate::quota::event::{Event, Kind};
use crate::quota::{Aggregate, Per, Resource, Subject};
use crate::store::StoreError;

/// Reads a counter from three columns, of which `first` is the first.
pub(super) fn count(row: &Row<'_>, first: usize) -> rusqlite::Result<Count> {
    Ok(Count { used: row.get(first)?, newest: row.get(first + 1)?, since: row.get(first + 2)? })
}

/// Returns the counter of an account in an opened bucket, if it ever had anything to count.
pub(super) fn find(db: &Connection, id: i64, account: &str) -> rusqlite::Result<Option<Count>> {
    db.prepare_cached(
        "SELECT used, newest_ms, since_ms FROM counter WHERE bucket = ?1 AND account = ?2",
    )?
    .query_row(params![id, account], |row| count(row, 0))
    .optional()
}

/// Returns the count of an account in an opened bucket, as the writer knows it.
pub(super) fn known(step: &mut Step<'_>, id: i64, account: &str) -> rusqlite::Result<Count> {
    if let Some(count) = step.known.count(id, account) {
        return Ok(count);
    }
    let count = find(step.db, id, account)?.unwrap_or_default();
    step.known.remember_count(id, account, count);
    Ok(count)
}

pub(super) fn write(
    db: &Connection,
    id: i64,
    account: &str,
    count: &Count,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO counter (bucket, account, used, newest_ms, since_ms)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (bucket, account) DO UPDATE
         SET used = excluded.used, newest_ms = excluded.newest_ms, since_ms = excluded.since_ms",
    )?
    .execute(params![id, account, count.used, count.newest, count.since])
    .map(|_| ())
}

/// Returns the counters of all accounts in an opened bucket.
pub(super) fn all(db: &Connection, id: i64) -> rusqlite::Result<BTreeMap<String, Count>> {
    let mut query = db.prepare_cached(
        "SELECT account, used, newest_ms, since_ms FROM counter WHERE bucket = ?1",
    )?;
    let rows = query.query_map(params![id], |row| Ok((row.get(0)?, count(row, 1)?)))?;
    rows.collect()
}

/// Returns the counters of those from `first` to `last` by name in an opened bucket.
pub(super) fn between(
    db: &Connection,
    id: i64,
    first: &Subject,
    last: &Subject,
) -> rusqlite::Result<HashMap<String, Count>> {
    let mut query = db.prepare_cached(
        "SELECT account, used, newest_ms, since_ms FROM counter
         WHERE bucket = ?1 AND account >= ?2 AND account <= ?3",
    )?;
    let rows =
        query.query_map(params![id, first, last], |row| Ok((row.get(0)?, count(row, 1)?)))?;
    rows.collect()
}

/// Forgets the counter of an account that has nothing to count.
pub(super) fn remove(db: &Connection, id: i64, account: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM counter WHERE bucket = ?1 AND account = ?2")?
        .execute(params![id, account])
        .map(|_| ())
}

/// Counts a new line of the ledger in every opened bucket it falls in.
pub(super) fn add(step: &mut Step<'_>, event: &Event) -> Result<(), StoreError> {
    let mut in_parts = Vec::new();
    let places = buckets::around(step, &event.resource, event.at)?;
    for place in places.iter().filter(|place| place.holds(event.at)) {
        if matches!(place.bucket.shape, Shape::Rolling { .. }) {
            // However many windows share them, the parts are added to once.
            if !in_parts.contains(&place.per) {
                in_parts.push(place.per);
                parts::add(step, event, place.per)?;
            }
        } else if can_be_kept(&place.bucket, place.aggregate)
            && let Some(account) = event.account(place.per)
        {
            add_to(step, event, place, account)?;
        }
    }
    Ok(())
}

fn add_to(
    step: &mut Step<'_>,
    event: &Event,
    place: &Place,
    account: &str,
) -> Result<(), StoreError> {
    let Place { id, aggregate, bucket, .. } = place;
    let mut count = known(step, *id, account)?;
    let is_known = match (&event.member, aggregate) {
        (Some(member), Aggregate::Unique) => members::has(step.db, *id, account, member)?,
        _ => false,
    };
    match count.add(event, bucket, *aggregate, is_known) {
        // Who has only been reset has not used anything.
        Counted::Same if event.kind == Kind::Reset => return Ok(()),
        Counted::Same | Counted::Changed => {}
        Counted::Unknown => return fold_anew(step, &event.resource, place, account),
    }
    write(step.db, *id, account, &count)?;
    step.known.remember_count(*id, account, count);
    if *aggregate == Aggregate::Unique {
        if tally::resets(event, bucket) {
            members::clear(step.db, *id, account)?;
        } else if let Some(member) = &event.member
            && tally::counts_member(event, bucket)
        {
            members::add(step.db, *id, account, member)?;
        }
    }
    Ok(())
}

/// Counts all of the account again, where a line does not tell what it changes.
fn fold_anew(
    step: &mut Step<'_>,
    resource: &Resource,
    place: &Place,
    account: &str,
) -> Result<(), StoreError> {
    let Place { id, per, aggregate, bucket } = place;
    let window = Window { resource, aggregate: *aggregate, per: *per, bucket, account };
    let tally = fold::one(step.db, &window, None)?;
    write(step.db, *id, account, &tally.count)?;
    step.known.remember_count(*id, account, tally.count);
    if *aggregate == Aggregate::Unique {
        members::clear(step.db, *id, account)?;
        members::add_all(step.db, *id, account, &tally.members)?;
    }
    Ok(())
}

/// Counts all of `subject` again, in every opened bucket.
pub(super) fn fold_all_of(step: &mut Step<'_>, subject: &Subject) -> Result<(), StoreError> {
    for (resource, place) in buckets::all(step.db)? {
        let account = subject.as_str();
        if is_of_subjects(&place) && find(step.db, place.id, account)?.is_some() {
            fold_anew(step, &resource, &place, account)?;
        }
    }
    Ok(())
}

/// Returns true if an opened bucket has counters of subjects.
pub(super) fn is_of_subjects(place: &Place) -> bool {
    place.per == Per::Subject && can_be_kept(&place.bucket, place.aggregate)
}
