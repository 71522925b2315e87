//! Parts: what lines add up to per minute, hour or day, so that the sum of a rolling window costs
//! no more as the ledger grows.
//!
//! A window is the whole parts inside it and, from the ledger, the lines at its two ends. One of a
//! subject has few lines there; one of a pool is cut finer at its ends, down to minutes. Parts are
//! kept of all accounts since a moment, which goes back when a longer window opens.

use std::collections::BTreeMap;

use super::columns::Count;
use super::db::Db;
use super::fold;
use super::step::Step;
use super::value::values;
use super::window::Window;
use crate::clock::Timestamp;
use crate::quota::event::Event;
use crate::quota::{Amount, Bucket, Per, Resource};
use crate::store::StoreError;

pub(super) const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Returns the sizes of the parts of a window, largest first.
pub(super) fn sizes(window: &Window<'_>) -> &'static [i64] {
    let Bucket { start, end, .. } = window.bucket;
    let length = end.unwrap_or(Timestamp::MAX).millis().saturating_sub(start.millis());
    let all: &[i64] = &[DAY, HOUR, MINUTE];
    // A day, an hour, a minute: so that there are at most some thousand of them.
    let (first, last) = match length {
        _ if length <= 2 * HOUR => (2, 3),
        _ if length <= 62 * DAY => (1, 2),
        _ => (0, 1),
    };
    let last = if window.per == Per::Subject { last } else { 3 };
    all.get(first..last).unwrap_or_default()
}

/// Returns the first moment of the part that `moment` is in.
pub(super) const fn floor(moment: i64, size: i64) -> i64 {
    moment.div_euclid(size) * size
}

/// Returns the first moment of the first part that begins at `moment` or later.
pub(super) const fn ceiling(moment: i64, size: i64) -> i64 {
    floor(moment.saturating_add(size - 1), size)
}

/// Makes the parts that the window needs complete.
pub(super) fn complete(step: &mut Step<'_>, window: &Window<'_>) -> Result<(), StoreError> {
    for size in sizes(window) {
        // What is of a part that began before comes from the ledger.
        let first = ceiling(window.bucket.start.millis(), *size);
        let (resource, per) = (window.resource, window.per);
        let mut from = step.known.parts_from(resource, per, *size);
        if from.is_none() {
            from = since(step.db, resource, per, *size)?;
        }
        if from.is_none_or(|from| first < from) {
            fill(step.db, resource, per, *size, first, from)?;
            from = Some(first);
        }
        if let Some(from) = from {
            step.known.remember_parts(resource, per, *size, from);
        }
    }
    Ok(())
}

/// Returns the first moment of the first part that is kept.
fn since(db: &dyn Db, resource: &Resource, per: Per, size: i64) -> Result<Option<i64>, StoreError> {
    db.one(
        "SELECT from_ms FROM parts WHERE resource = ?1 AND per = ?2 AND size_ms = ?3",
        values![resource, per, size],
        |row| row.get(0),
    )
}

fn fill(
    db: &dyn Db,
    resource: &Resource,
    per: Per,
    size: i64,
    first: i64,
    until: Option<i64>,
) -> Result<(), StoreError> {
    if let Some(until) = until {
        // Some may be there still that are about to be thrown away.
        db.write(
            "DELETE FROM part WHERE resource = ?1 AND per = ?2 AND size_ms = ?3
             AND start_ms >= ?4 AND start_ms < ?5",
            values![resource, per, size, first, until],
        )?;
    }
    let sums = sums(db, resource, per, size, (first, until.unwrap_or(i64::MAX)), None)?;
    for ((account, start), net) in sums {
        write(db, (resource, per, size), &account, start, net)?;
    }
    db.write(
        "INSERT INTO parts (resource, per, size_ms, from_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (resource, per, size_ms) DO UPDATE SET from_ms = excluded.from_ms",
        values![resource, per, size, first],
    )?;
    Ok(())
}

/// Returns what the lines of a time add up to, of all accounts or one, by the parts they are in.
pub(super) fn sums(
    db: &dyn Db,
    resource: &Resource,
    per: Per,
    size: i64,
    (first, until): (i64, i64),
    account: Option<&str>,
) -> Result<BTreeMap<(String, i64), Amount>, StoreError> {
    let mut sums = BTreeMap::new();
    db.each(
        &format!(
            "SELECT {} FROM event WHERE resource = ?1 AND at_ms >= ?2 AND at_ms < ?3
         AND kind NOT IN ('lapse', 'reset')",
            fold::COLUMNS
        ),
        values![resource, first, until],
        |row| {
            let event = fold::event(row, resource)?;
            let whose = event.account(per);
            let Some(whose) = whose.filter(|it| account.is_none_or(|account| account == *it))
            else {
                return Ok(());
            };
            let start = floor(event.at.millis(), size);
            let sum = sums.entry((whose.to_owned(), start)).or_insert(Amount::ZERO);
            *sum = plus(*sum, event.amount);
            Ok(())
        },
    )?;
    sums.retain(|_, net| *net != Amount::ZERO);
    Ok(sums)
}

/// Sums past 64 bits stay at the most there is.
pub(super) fn plus(sum: Amount, more: Amount) -> Amount {
    Amount::new(sum.get().saturating_add(more.get()))
}

/// Adds a new line to the parts it is in.
pub(super) fn add(step: &mut Step<'_>, event: &Event, per: Per) -> Result<(), StoreError> {
    let Some(account) = event.account(per).filter(|_| event.kind.charges()) else {
        return Ok(());
    };
    if event.amount == Amount::ZERO {
        return Ok(());
    }
    for (size, from) in kept(step.db, &event.resource, per)? {
        let start = floor(event.at.millis(), size);
        if start >= from {
            let series = (&event.resource, per, size);
            let net = find(step.db, series, account, start)?.unwrap_or_default();
            write(step.db, series, account, start, plus(net, event.amount))?;
        }
    }
    Ok(())
}

/// Returns the sizes of the parts that are kept, each with the first moment of the first.
pub(super) fn kept(
    db: &dyn Db,
    resource: &Resource,
    per: Per,
) -> Result<Vec<(i64, i64)>, StoreError> {
    db.all(
        "SELECT size_ms, from_ms FROM parts WHERE resource = ?1 AND per = ?2",
        values![resource, per],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

type Series<'a> = (&'a Resource, Per, i64);

fn find(
    db: &dyn Db,
    (resource, per, size): Series<'_>,
    account: &str,
    start: i64,
) -> Result<Option<Amount>, StoreError> {
    db.one(
        "SELECT net FROM part
         WHERE resource = ?1 AND per = ?2 AND size_ms = ?3 AND account = ?4 AND start_ms = ?5",
        values![resource, per, size, account, start],
        |row| row.get(0),
    )
}

/// Writes what a part adds up to.
pub(super) fn write(
    db: &dyn Db,
    (resource, per, size): Series<'_>,
    account: &str,
    start: i64,
    net: Amount,
) -> Result<(), StoreError> {
    db.write(
        "INSERT INTO part (resource, per, size_ms, account, start_ms, net)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (resource, per, size_ms, account, start_ms) DO UPDATE SET net = excluded.net",
        values![resource, per, size, account, start, net],
    )
}

/// Returns the parts from `first` on, of all accounts or one.
pub(super) fn all(
    db: &dyn Db,
    (resource, per, size): Series<'_>,
    first: i64,
    account: Option<&str>,
) -> Result<BTreeMap<(String, i64), Amount>, StoreError> {
    db.all(
        "SELECT account, start_ms, net FROM part
         WHERE resource = ?1 AND per = ?2 AND size_ms = ?3 AND start_ms >= ?4
         AND (account = ?5 OR ?5 IS NULL)",
        values![resource, per, size, first, account],
        |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)),
    )
}

/// Returns all series of parts that are kept, each with the first moment of the first.
pub(super) fn all_kept(db: &dyn Db) -> Result<Vec<(Resource, Per, i64, i64)>, StoreError> {
    db.all("SELECT resource, per, size_ms, from_ms FROM parts", values![], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })
}

/// Keeps parts from `first` on only; takes out at most so many of those before, and returns how
/// many.
pub(super) fn throw_away(
    db: &dyn Db,
    (resource, per, size): Series<'_>,
    first: i64,
    most: usize,
) -> Result<usize, StoreError> {
    db.write(
        "UPDATE parts SET from_ms = ?4
         WHERE resource = ?1 AND per = ?2 AND size_ms = ?3 AND from_ms < ?4",
        values![resource, per, size, first],
    )?;
    db.change(
        "DELETE FROM part WHERE (resource, per, size_ms, account, start_ms) IN
         (SELECT resource, per, size_ms, account, start_ms FROM part
          WHERE resource = ?1 AND per = ?2 AND size_ms = ?3 AND start_ms < ?4 LIMIT ?5)",
        values![resource, per, size, first, Count(most)],
    )
}

/// Forgets all parts of a resource.
pub(super) fn forget(step: &mut Step<'_>, resource: &Resource, per: Per) -> Result<(), StoreError> {
    for table in ["part", "parts"] {
        let forget = format!("DELETE FROM {table} WHERE resource = ?1 AND per = ?2");
        step.db.write(&forget, values![resource, per])?;
    }
    step.known.forget();
    Ok(())
}
