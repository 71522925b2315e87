//! Holds: a reservation as it is written down, from its beginning until it is forgotten.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::Count;
use super::step::Step;
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::held::{Held, HeldItem, HoldId, Instance, Life, State};
use crate::quota::plan::Plan;
use crate::quota::{Amount, Subject};
use crate::store::StoreError;

/// How long an ended reservation is remembered; as far back as a fact may be dated.
const REMEMBERED: Duration = Duration::from_hours(35 * 24);

/// How often ended reservations to forget are looked for.
const TIDIED: Duration = Duration::from_mins(1);

/// Reservations forgotten at once, so that no call waits long for it.
const FORGOTTEN: usize = 16;

/// All that is known of a reservation.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) held: Held,
    /// What it was settled with.
    pub(super) total: Option<Amount>,
    /// It had lapsed before it was settled.
    pub(super) late: bool,
}

pub(super) fn load(db: &Connection, id: HoldId) -> Result<Option<Entry>, StoreError> {
    let entry = db
        .prepare_cached(
            "SELECT subject, at_ms, until_ms, instance, state, total, late FROM hold WHERE id = ?1",
        )?
        .query_row(params![id], |row| {
            let (subject, at, life, state) =
                (row.get(0)?, row.get(1)?, life(row, 2, 3)?, row.get(4)?);
            let held = Held { id, subject, at, life, state, items: Vec::new() };
            Ok(Entry { held, total: row.get(5)?, late: row.get(6)? })
        })
        .optional()?;
    let Some(mut entry) = entry else {
        return Ok(None);
    };
    let mut query = db.prepare_cached(
        "SELECT resource, coalesce(charged, amount) FROM hold_item WHERE hold = ?1 ORDER BY place",
    )?;
    let items = query.query_map(params![id], |row| {
        Ok(HeldItem { resource: row.get(0)?, amount: row.get(1)? })
    })?;
    entry.held.items = items.collect::<Result<_, _>>()?;
    Ok(Some(entry))
}

/// Reads how long a reservation counts from its two columns.
pub(super) fn life(row: &Row<'_>, until: usize, instance: usize) -> rusqlite::Result<Life> {
    match row.get::<_, Option<Instance>>(instance)? {
        Some(instance) => Ok(Life::While(instance)),
        None => row.get(until).map(Life::Until),
    }
}

/// Writes down a new open reservation; false if its id is known.
pub(super) fn add(
    db: &Connection,
    plan: &Plan,
    id: HoldId,
    life: &Life,
) -> Result<bool, StoreError> {
    let (until, instance) = match life {
        Life::Until(end) => (Some(end), None),
        Life::While(instance) => (None, Some(instance)),
    };
    let added = db
        .prepare_cached(
            "INSERT INTO hold (id, subject, at_ms, until_ms, instance, state)
             VALUES (?1, ?2, ?3, ?4, ?5, 'open') ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![id, plan.subject, plan.at, until, instance])?;
    if added == 0 {
        return Ok(false);
    }
    for (place, item) in plan.items.iter().enumerate() {
        let item = HeldItem { resource: item.resource.clone(), amount: item.amount };
        write_item(db, id, place, &item)?;
    }
    Ok(true)
}

/// Writes how much a reservation holds of one resource.
pub(super) fn write_item(
    db: &Connection,
    id: HoldId,
    place: usize,
    item: &HeldItem,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO hold_item (hold, place, resource, amount) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (hold, place) DO UPDATE SET amount = excluded.amount",
    )?
    .execute(params![id, Count(place), item.resource, item.amount])
    .map(|_| ())
}

/// Writes that a reservation is now in `state`, which is not open.
pub(super) fn end(
    db: &Connection,
    id: HoldId,
    state: State,
    now: Timestamp,
) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE hold SET state = ?2, ended_ms = ?3 WHERE id = ?1")?
        .execute(params![id, state, now])
        .map(|_| ())
}

/// Returns the line of the ledger about what became of one item of a reservation.
pub(super) fn event(
    subject: &Subject,
    at: Timestamp,
    id: HoldId,
    item: &HeldItem,
    kind: Kind,
    amount: Amount,
) -> Event {
    Event {
        subject: subject.clone(),
        resource: item.resource.clone(),
        kind,
        amount,
        at,
        hold: Some(id),
        bucket: None,
    }
}

/// Forgets a few reservations that ended long ago, now and then.
pub(super) fn tidy(step: &mut Step<'_>, now: Timestamp) -> Result<(), StoreError> {
    if step.known.tidied.is_some_and(|tidied| now < tidied.after(TIDIED)) {
        return Ok(());
    }
    let mut query = step
        .db
        .prepare_cached("SELECT id FROM hold WHERE ended_ms < ?1 ORDER BY ended_ms LIMIT ?2")?;
    let old =
        query.query_map(params![now.before(REMEMBERED), Count(FORGOTTEN)], |row| row.get(0))?;
    let old: Vec<HoldId> = old.collect::<Result<_, _>>()?;
    for id in &old {
        step.db.prepare_cached("DELETE FROM hold_item WHERE hold = ?1")?.execute(params![id])?;
        step.db.prepare_cached("DELETE FROM hold WHERE id = ?1")?.execute(params![id])?;
    }
    if old.len() < FORGOTTEN {
        step.known.tidied = Some(now);
    }
    Ok(())
}
