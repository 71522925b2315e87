//! Holds: a reservation as it is written down, from its beginning until it is forgotten.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::Count;
use super::marks;
use super::step::Step;
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::held::{Held, HeldItem, HoldId, Instance, Life, State};
use crate::quota::plan::{Item, Plan};
use crate::store::StoreError;

/// How long an ended reservation is remembered; as far back as a fact may be dated.
const REMEMBERED: Duration = Duration::from_hours(35 * 24);

/// How often ended reservations to forget are looked for.
const TIDIED: Duration = Duration::from_mins(1);

/// Reservations, or marks, forgotten at once, so that no call waits long for it.
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
            "SELECT subject, at_ms, until_ms, instance, state, total, late, grp
             FROM hold WHERE id = ?1",
        )?
        .query_row(params![id], |row| {
            let held = Held {
                id,
                subject: row.get(0)?,
                group: row.get(7)?,
                at: row.get(1)?,
                life: life(row, 2, 3)?,
                state: row.get(4)?,
                items: Vec::new(),
            };
            Ok(Entry { held, total: row.get(5)?, late: row.get(6)? })
        })
        .optional()?;
    let Some(mut entry) = entry else {
        return Ok(None);
    };
    let mut query = db.prepare_cached(
        "SELECT resource, coalesce(charged, amount), metered FROM hold_item
         WHERE hold = ?1 ORDER BY place",
    )?;
    let items = query.query_map(params![id], |row| {
        Ok(HeldItem { resource: row.get(0)?, amount: row.get(1)?, metered: row.get(2)? })
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
            "INSERT INTO hold (id, subject, grp, at_ms, until_ms, instance, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open') ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![id, plan.subject, plan.group, plan.at, until, instance])?;
    if added == 0 {
        return Ok(false);
    }
    for (place, item) in items(plan).iter().enumerate() {
        write_item(db, id, place, item)?;
    }
    Ok(true)
}

/// Returns the room that `plan` asks for.
pub(super) fn items(plan: &Plan) -> Vec<HeldItem> {
    let item = |item: &Item| HeldItem {
        resource: item.resource.clone(),
        amount: item.amount,
        metered: item.metered,
    };
    plan.items.iter().map(item).collect()
}

/// Writes how much a reservation holds of one resource.
pub(super) fn write_item(
    db: &Connection,
    id: HoldId,
    place: usize,
    item: &HeldItem,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO hold_item (hold, place, resource, amount, metered)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (hold, place) DO UPDATE SET amount = excluded.amount",
    )?
    .execute(params![id, Count(place), item.resource, item.amount, item.metered])
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

/// Writes that a reservation was settled with `total`.
pub(super) fn settle(
    db: &Connection,
    id: HoldId,
    total: Amount,
    late: bool,
    now: Timestamp,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE hold SET state = ?2, total = ?3, late = ?4, ended_ms = ?5 WHERE id = ?1",
    )?
    .execute(params![id, State::Settled, total, late, now])
    .map(|_| ())
}

/// Writes how much one item of a settled reservation was charged.
pub(super) fn charge_item(
    db: &Connection,
    id: HoldId,
    place: usize,
    amount: Amount,
) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE hold_item SET charged = ?3 WHERE hold = ?1 AND place = ?2")?
        .execute(params![id, Count(place), amount])
        .map(|_| ())
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
    marks::tidy(step.db, now.before(REMEMBERED), FORGOTTEN)?;
    if old.len() < FORGOTTEN {
        step.known.tidied = Some(now);
    }
    Ok(())
}
