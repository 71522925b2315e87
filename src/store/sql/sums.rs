//! Sums: what many subjects used of a rolling window, read at once.

use std::collections::HashMap;

use super::db::Db;
use super::value::values;
use super::window::Window;
use super::{parts, rolling};
use crate::quota::{Amount, Subject};
use crate::store::StoreError;

/// What each used, by name.
pub(super) type Used<'a> = HashMap<&'a str, Amount>;

/// Returns what each of `subjects`, who are in order of names, used of a rolling window, as
/// [`rolling::used`] says of one.
pub(super) fn used<'a>(
    db: &dyn Db,
    window: &Window<'_>,
    subjects: &'a [Subject],
) -> Result<Used<'a>, StoreError> {
    let mut used: Used<'a> = subjects.iter().map(|it| (it.as_str(), Amount::ZERO)).collect();
    let (start, end) = rolling::bounds(window.bucket);
    // A window of one subject has parts of one size.
    let size = parts::sizes(window).first().copied().unwrap_or(1);
    let kept = parts::kept(db, window.resource, window.per)?;
    let kept = kept.into_iter().find(|(kept, _)| *kept == size);
    let whole = kept.map(|(_, from)| {
        let first = parts::floor(start.max(from).saturating_add(size - 1), size);
        (first, parts::floor(end, size))
    });
    if let Some((first, last)) = whole.filter(|(first, last)| first < last) {
        for (account, sum) in &mut used {
            let window = Window { account, ..*window };
            *sum = rolling::Parts { db, window: &window }.whole(first, last, size)?;
        }
        lines(db, window, subjects, (start, first), &mut used)?;
        lines(db, window, subjects, (last, end), &mut used)?;
    } else {
        lines(db, window, subjects, (start, end), &mut used)?;
    }
    for account in reset(db, window, subjects)? {
        if let Some(sum) = used.get_mut(account.as_str()) {
            *sum = rolling::used(db, &Window { account: &account, ..*window })?;
        }
    }
    for sum in used.values_mut() {
        *sum = sum.at_least_zero();
    }
    Ok(used)
}

/// Adds the lines in `[start, end)`. They are found by their moments: those of all are few.
fn lines(
    db: &dyn Db,
    window: &Window<'_>,
    subjects: &[Subject],
    (start, end): (i64, i64),
    used: &mut Used<'_>,
) -> Result<(), StoreError> {
    let (Some(first), Some(last)) = (subjects.first(), subjects.last()) else { return Ok(()) };
    db.each(
        "SELECT subject, amount FROM event INDEXED BY event_by_time
         WHERE resource = ?1 AND at_ms >= ?2 AND at_ms < ?3 AND subject >= ?4 AND subject <= ?5
         AND kind NOT IN ('lapse', 'reset')",
        values![window.resource, start, end, first, last],
        |row| {
            let name: String = row.get(0)?;
            if let Some(sum) = used.get_mut(name.as_str()) {
                *sum = parts::plus(*sum, row.get(1)?);
            }
            Ok(())
        },
    )
}

/// Returns whose count was reset at a moment of the window.
fn reset(
    db: &dyn Db,
    window: &Window<'_>,
    subjects: &[Subject],
) -> Result<Vec<String>, StoreError> {
    let (start, end) = rolling::bounds(window.bucket);
    let (first, last) = (subjects.first(), subjects.last());
    let values = values![window.resource, start, end, first, last];
    db.all(
        "SELECT DISTINCT subject FROM event INDEXED BY event_reset
         WHERE kind = 'reset' AND subject >= ?4 AND subject <= ?5
         AND resource = ?1 AND at_ms >= ?2 AND at_ms < ?3",
        values,
        |row| row.get(0),
    )
}
