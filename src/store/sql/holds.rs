//! Holds: a reservation as it is written down, from its beginning until it is forgotten.

use std::time::Duration;

use super::columns::Count;
use super::db::{Db, Row};
use super::marks;
use super::step::Step;
use super::value::values;
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

/// Returns what is known of a reservation, without asking if the writer knows that it is open.
pub(super) fn known(step: &Step<'_>, id: HoldId) -> Result<Option<Entry>, StoreError> {
    let Some(open) = step.known.open(id) else {
        return load(step.db, id);
    };
    let held = Held {
        id,
        subject: open.subject.clone(),
        group: open.group.clone(),
        at: open.at,
        life: open.life.clone(),
        state: State::Open,
        items: open.items.clone(),
    };
    Ok(Some(Entry { held, total: None, late: false }))
}

pub(super) fn load(db: &dyn Db, id: HoldId) -> Result<Option<Entry>, StoreError> {
    let entry = db.one(
        "SELECT subject, at_ms, until_ms, instance, state, total, late, grp
             FROM hold WHERE id = ?1",
        values![id],
        |row| {
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
        },
    )?;
    let Some(mut entry) = entry else {
        return Ok(None);
    };
    let items = db.all(
        "SELECT resource, coalesce(charged, amount), metered FROM hold_item
         WHERE hold = ?1 ORDER BY place",
        values![id],
        |row| Ok(HeldItem { resource: row.get(0)?, amount: row.get(1)?, metered: row.get(2)? }),
    )?;
    entry.held.items = items;
    Ok(Some(entry))
}

/// Reads how long a reservation counts from its two columns.
pub(super) fn life(row: &dyn Row, until: usize, instance: usize) -> Result<Life, StoreError> {
    match row.get::<Option<Instance>>(instance)? {
        Some(instance) => Ok(Life::While(instance)),
        None => row.get(until).map(Life::Until),
    }
}

/// Writes down a new open reservation; false if its id is known.
pub(super) fn add(db: &dyn Db, plan: &Plan, id: HoldId, life: &Life) -> Result<bool, StoreError> {
    let (until, instance) = match life {
        Life::Until(end) => (Some(end), None),
        Life::While(instance) => (None, Some(instance)),
    };
    let added = db.add(
        "INSERT INTO hold (id, subject, grp, at_ms, until_ms, instance, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open') ON CONFLICT (id) DO NOTHING",
        values![id, plan.subject, plan.group, plan.at, until, instance],
    )?;
    if !added {
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
    db: &dyn Db,
    id: HoldId,
    place: usize,
    item: &HeldItem,
) -> Result<(), StoreError> {
    db.write(
        "INSERT INTO hold_item (hold, place, resource, amount, metered)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (hold, place) DO UPDATE SET amount = excluded.amount",
        values![id, Count(place), item.resource, item.amount, item.metered],
    )
}

/// Writes that a reservation is now in `state`, which is not open.
pub(super) fn end(db: &dyn Db, id: HoldId, state: State, now: Timestamp) -> Result<(), StoreError> {
    db.write("UPDATE hold SET state = ?2, ended_ms = ?3 WHERE id = ?1", values![id, state, now])
}

/// Writes that a reservation was settled with `total`.
pub(super) fn settle(
    db: &dyn Db,
    id: HoldId,
    total: Amount,
    late: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.write(
        "UPDATE hold SET state = ?2, total = ?3, late = ?4, ended_ms = ?5 WHERE id = ?1",
        values![id, State::Settled, total, late, now],
    )
}

/// Writes how much one item of a settled reservation was charged.
pub(super) fn charge_item(
    db: &dyn Db,
    id: HoldId,
    place: usize,
    amount: Amount,
) -> Result<(), StoreError> {
    db.write(
        "UPDATE hold_item SET charged = ?3 WHERE hold = ?1 AND place = ?2",
        values![id, Count(place), amount],
    )
}

/// Forgets a few reservations that ended long ago, now and then.
pub(super) fn tidy(step: &mut Step<'_>, now: Timestamp) -> Result<(), StoreError> {
    if step.known.tidied.is_some_and(|tidied| now < tidied.after(TIDIED)) {
        return Ok(());
    }
    let old: Vec<_> = step.db.all(
        "SELECT id FROM hold WHERE ended_ms < ?1 ORDER BY ended_ms LIMIT ?2",
        values![now.before(REMEMBERED), Count(FORGOTTEN)],
        |row| row.get::<HoldId>(0),
    )?;
    for id in &old {
        step.db.write("DELETE FROM hold_item WHERE hold = ?1", values![id])?;
        step.db.write("DELETE FROM hold WHERE id = ?1", values![id])?;
    }
    marks::tidy(step.db, now.before(REMEMBERED), FORGOTTEN)?;
    if old.len() < FORGOTTEN {
        step.known.tidied = Some(now);
    }
    Ok(())
}
