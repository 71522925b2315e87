//! Counters: what is used of opened buckets, kept up to date with every line of the ledger.

use std::collections::{BTreeMap, HashMap};

use super::buckets::{self, Place};
use super::db::{Db, Row};
use super::step::Step;
use super::value::values;
use super::window::Window;
use super::{fold, members, parts, tally};
use crate::quota::bucket::Shape;
use crate::quota::count::{Count, Counted, can_be_kept};
use crate::quota::event::{Event, Kind};
use crate::quota::{Aggregate, Amount, Per, Resource, Subject};
use crate::store::StoreError;

/// Reads a counter from three columns, of which `first` is the first.
pub(super) fn count(row: &dyn Row, first: usize) -> Result<Count, StoreError> {
    Ok(Count { used: row.get(first)?, newest: row.get(first + 1)?, since: row.get(first + 2)? })
}

/// Returns the counter of an account in an opened bucket, if it ever had anything to count.
pub(super) fn find(db: &dyn Db, id: i64, account: &str) -> Result<Option<Count>, StoreError> {
    db.one(
        "SELECT used, newest_ms, since_ms FROM counter WHERE bucket = ?1 AND account = ?2",
        values![id, account],
        |row| count(row, 0),
    )
}

/// Returns the id of the bucket of `window`, if it is opened, and the counter in it.
pub(super) fn opened(db: &dyn Db, window: &Window<'_>) -> Result<Option<(i64, Count)>, StoreError> {
    let Window { resource, per, bucket, aggregate, account } = *window;
    db.one(
        "SELECT id, used, newest_ms, since_ms
         FROM bucket LEFT JOIN counter ON counter.bucket = bucket.id AND account = ?5
         WHERE resource = ?1 AND per = ?2 AND key = ?3 AND aggregate = ?4",
        values![resource, per, bucket.key, aggregate, account],
        |row| {
            let is_counted = row.get::<Option<Amount>>(1)?.is_some();
            let count = if is_counted { count(row, 1)? } else { Count::default() };
            Ok((row.get(0)?, count))
        },
    )
}

/// Returns the count of an account in an opened bucket, as the writer knows it.
pub(super) fn known(step: &mut Step<'_>, id: i64, account: &str) -> Result<Count, StoreError> {
    if let Some(count) = step.known.count(id, account) {
        return Ok(count);
    }
    let count = find(step.db, id, account)?.unwrap_or_default();
    step.known.remember_count(id, account, count);
    Ok(count)
}

pub(super) fn write(db: &dyn Db, id: i64, account: &str, count: &Count) -> Result<(), StoreError> {
    db.write(
        "INSERT INTO counter (bucket, account, used, newest_ms, since_ms)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (bucket, account) DO UPDATE
         SET used = excluded.used, newest_ms = excluded.newest_ms, since_ms = excluded.since_ms",
        values![id, account, count.used, count.newest, count.since],
    )
}

/// Returns the counters of all accounts in an opened bucket.
pub(super) fn all(db: &dyn Db, id: i64) -> Result<BTreeMap<String, Count>, StoreError> {
    db.all(
        "SELECT account, used, newest_ms, since_ms FROM counter WHERE bucket = ?1",
        values![id],
        |row| Ok((row.get(0)?, count(row, 1)?)),
    )
}

/// Returns the counters of those from `first` to `last` by name in an opened bucket.
pub(super) fn between(
    db: &dyn Db,
    id: i64,
    first: &Subject,
    last: &Subject,
) -> Result<HashMap<String, Count>, StoreError> {
    db.all(
        "SELECT account, used, newest_ms, since_ms FROM counter
         WHERE bucket = ?1 AND account >= ?2 AND account <= ?3",
        values![id, first, last],
        |row| Ok((row.get(0)?, count(row, 1)?)),
    )
}

/// Forgets the counter of an account that has nothing to count.
pub(super) fn remove(db: &dyn Db, id: i64, account: &str) -> Result<(), StoreError> {
    db.write("DELETE FROM counter WHERE bucket = ?1 AND account = ?2", values![id, account])
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
