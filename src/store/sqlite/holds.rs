//! Holds: the open reservations of a subject, which of them still count, and how they end.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::Count;
use super::instances::Own;
use super::ledger;
use super::step::Step;
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::held::{Held, HeldItem, HoldId, Instance, Life, State};
use crate::quota::plan::Plan;
use crate::quota::{Amount, Bucket, Overflow, Resource, Subject};
use crate::store::{INSTANCE_LEASE, StoreError};

/// An open reservation, by what decides about others.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) id: HoldId,
    at: Timestamp,
    life: Life,
    /// When the instance it lives by was last seen.
    seen: Option<Timestamp>,
    items: Vec<HeldItem>,
}

impl Open {
    /// Returns true if its life has not ended. Instances of this process live.
    pub(super) fn counts(&self, own: &Own, now: Timestamp) -> bool {
        match &self.life {
            Life::Until(end) => now < *end,
            Life::While(instance) => {
                self.seen.is_some_and(|seen| now < seen.after(INSTANCE_LEASE)) || own.has(instance)
            }
        }
    }
}

/// Returns how much `open` reservations hold of a bucket.
pub(super) fn held_in(
    open: &[Open],
    resource: &Resource,
    bucket: &Bucket,
) -> Result<Amount, Overflow> {
    let here = open.iter().filter(|hold| bucket.contains(hold.at));
    let mut items = here.flat_map(|hold| &hold.items).filter(|item| item.resource == *resource);
    items.try_fold(Amount::ZERO, |sum, item| sum.plus(item.amount))
}

const OPEN: &str = "SELECT h.id, h.at_ms, h.until_ms, h.instance, i.resource, i.amount, n.seen_ms
     FROM hold h JOIN hold_item i ON i.hold = h.id LEFT JOIN instance n ON n.id = h.instance";

/// Returns the open reservations of `subject`, due ones too.
pub(super) fn open_of(db: &Connection, subject: &Subject) -> rusqlite::Result<Vec<Open>> {
    let mut query = db.prepare_cached(&format!(
        "{OPEN} WHERE h.state = 'open' AND h.subject = ?1 ORDER BY h.id, i.place"
    ))?;
    let mut rows = query.query(params![subject])?;
    let mut open = Vec::<Open>::new();
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let item = HeldItem { resource: row.get(4)?, amount: row.get(5)? };
        match open.last_mut() {
            Some(last) if last.id == id => last.items.push(item),
            _ => open.push(Open {
                id,
                at: row.get(1)?,
                life: life(row, 2, 3)?,
                seen: row.get(6)?,
                items: vec![item],
            }),
        }
    }
    Ok(open)
}

fn life(row: &Row<'_>, until: usize, instance: usize) -> rusqlite::Result<Life> {
    match row.get::<_, Option<Instance>>(instance)? {
        Some(instance) => Ok(Life::While(instance)),
        None => row.get(until).map(Life::Until),
    }
}

/// Ends the reservations of `subject` whose life has ended; returns those that count.
pub(super) fn retire(
    step: &mut Step<'_>,
    subject: &Subject,
    now: Timestamp,
) -> Result<Vec<Open>, StoreError> {
    tidy(step, now)?;
    let open = open_of(step.db, subject)?;
    let (counting, due): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|hold| hold.counts(step.own, now));
    for hold in &due {
        lapse(step.db, hold.id, now)?;
    }
    Ok(counting)
}

/// Ends a reservation whose owner or time is gone, and says so in the ledger.
pub(super) fn lapse(db: &Connection, id: HoldId, now: Timestamp) -> Result<(), StoreError> {
    let Some(Entry { held, .. }) = load(db, id)? else {
        return Ok(());
    };
    end(db, id, State::Lapsed, now)?;
    for item in &held.items {
        ledger::append(db, &event(&held, &item.resource, Kind::Lapse, Amount::ZERO), None, now)?;
    }
    Ok(())
}

/// Returns the line of the ledger about something that became of `held`.
pub(super) fn event(held: &Held, resource: &Resource, kind: Kind, amount: Amount) -> Event {
    Event {
        subject: held.subject.clone(),
        resource: resource.clone(),
        kind,
        amount,
        at: held.at,
        hold: Some(held.id),
        bucket: None,
    }
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
    for item in &plan.items {
        add_item(db, id, &item.resource, item.amount)?;
    }
    Ok(true)
}

/// Adds room on a resource that the reservation does not hold yet, behind the others.
pub(super) fn add_item(
    db: &Connection,
    id: HoldId,
    resource: &Resource,
    amount: Amount,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO hold_item (hold, place, resource, amount)
         VALUES (?1, (SELECT count(*) FROM hold_item WHERE hold = ?1), ?2, ?3)",
    )?
    .execute(params![id, resource, amount])
    .map(|_| ())
}

/// Adds `more` room on a resource; false if the reservation holds none of it yet.
pub(super) fn add_to_item(
    db: &Connection,
    id: HoldId,
    resource: &Resource,
    more: Amount,
) -> Result<bool, StoreError> {
    let held: Option<Amount> = db
        .prepare_cached("SELECT amount FROM hold_item WHERE hold = ?1 AND resource = ?2")?
        .query_row(params![id, resource], |row| row.get(0))
        .optional()?;
    let Some(held) = held else { return Ok(false) };
    db.prepare_cached("UPDATE hold_item SET amount = ?3 WHERE hold = ?1 AND resource = ?2")?
        .execute(params![id, resource, held.plus(more)?])?;
    Ok(true)
}

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

/// How long an ended reservation is remembered; as far back as a fact may be dated.
const REMEMBERED: std::time::Duration = std::time::Duration::from_hours(35 * 24);

/// How often is looked for ended reservations to forget.
const TIDIED: std::time::Duration = std::time::Duration::from_mins(1);

/// Reservations forgotten at once, so that no call waits long for it.
const FORGOTTEN: usize = 16;

/// Forgets a few reservations that ended long ago, now and then.
fn tidy(step: &mut Step<'_>, now: Timestamp) -> Result<(), StoreError> {
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
