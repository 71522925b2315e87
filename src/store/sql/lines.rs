//! Lines: the ledger as it was written, and what it adds up to between moments.

use std::fmt::Write;

use super::columns::{Count, End, Id};
use super::db::Row;
use super::fold;
use super::step::View;
use super::tally::Tally;
use super::value::{IntoColumn, values};
use crate::clock::Timestamp;
use crate::quota::event::{EVERYONE, Event, Line};
use crate::quota::idempotency::Key;
use crate::quota::{Aggregate, Amount, Bucket, Per, Resource, Subject};
use crate::store::{Lines, StoreError};

/// What a line holds beside what it says, behind [`fold::COLUMNS`].
pub(super) const COLUMNS: &str = "resource, id, recorded_ms, key, fingerprint";

/// Reads a line from [`fold::COLUMNS`] and [`COLUMNS`].
pub(super) fn line(row: &dyn Row) -> Result<Line, StoreError> {
    let key: Option<String> = row.get(11)?;
    let fingerprint: Option<Vec<u8>> = row.get(12)?;
    let Id(id) = row.get(9)?;
    Ok(Line {
        id,
        event: fold::event(row, &row.get(8)?)?,
        recorded: row.get(10)?,
        key: key.map(|name| Key { name, fingerprint: fingerprint.unwrap_or_default() }),
    })
}

pub(super) fn lines(view: View<'_>, which: &Lines) -> Result<Vec<Line>, StoreError> {
    let behind = which.behind.map(Id);
    let mut values = Vec::new();
    let mut select = format!("SELECT {}, {COLUMNS} FROM event WHERE true", fold::COLUMNS);
    let mut only = |condition: &str, value| {
        values.push(value);
        // Writing to a String cannot fail.
        let _ = write!(select, " AND {condition} ?{}", values.len());
    };
    // A subject has few lines beside all the others; so an index finds them, and they are sorted.
    let by_id = if which.subject.is_some() { "+id" } else { "id" };
    if let Some(subject) = &which.subject {
        only("subject =", subject.column());
    }
    if let Some(resource) = &which.resource {
        let own = if which.subject.is_some() { "resource =" } else { "+resource =" };
        only(own, resource.column());
    }
    if let Some(behind) = &behind {
        let sign = if which.newest_first { "<" } else { ">" };
        only(&format!("{by_id} {sign}"), behind.column());
    }
    let direction = if which.newest_first { "DESC" } else { "ASC" };
    let most = Count(which.most);
    values.push(most.column());
    let query = format!("{select} ORDER BY {by_id} {direction} LIMIT ?{}", values.len());
    view.db.all(&query, &values, line)
}

/// Returns what was used between each two neighbours of `cuts`, by one pass over the ledger.
pub(super) fn history(
    view: View<'_>,
    subject: Option<&Subject>,
    resource: &Resource,
    aggregate: Aggregate,
    cuts: &[Timestamp],
) -> Result<Vec<Amount>, StoreError> {
    let (Some(first), Some(last)) = (cuts.first(), cuts.last()) else {
        return Ok(Vec::new());
    };
    let mut slots: Vec<(Bucket, Tally)> = cuts
        .windows(2)
        .filter_map(|pair| Some(Bucket::range(*pair.first()?, *pair.last()?)))
        .map(|bucket| (bucket, Tally::default()))
        .collect();
    let (per, account) = match subject {
        Some(subject) => (Per::Subject, subject.as_str()),
        None => (Per::Server, EVERYONE),
    };
    let taken_back = fold::taken_back(view.db, resource, aggregate)?;
    view.db.each(
        &format!(
            "SELECT {} FROM event
         WHERE resource = ?1 AND {} AND at_ms >= ?3 AND at_ms < ?4 ORDER BY id",
            fold::COLUMNS,
            fold::belongs(per)
        ),
        values![resource, account, first, End(Some(*last))],
        |row| {
            let event: Event = fold::event(row, resource)?;
            let slot = cuts.partition_point(|cut| *cut <= event.at).saturating_sub(1);
            if let Some((bucket, tally)) = slots.get_mut(slot).filter(|_| !taken_back.has(&event)) {
                tally.add(&event, bucket, aggregate);
            }
            Ok(())
        },
    )?;
    Ok(slots.into_iter().map(|(_, tally)| tally.count.used).collect())
}
