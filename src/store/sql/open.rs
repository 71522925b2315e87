//! Open: the reservations of a subject that still count, and the end of those that do not.

use std::sync::Arc;

use super::db::{Db, Row};
use super::engine::Own;
use super::instances;
use super::step::{Step, View};
use super::value::{Value, values};
use super::{holds, ledger};
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::held::{Held, HeldItem, HoldId, Instance, Life, State};
use crate::quota::{Amount, Resource, Subject};
use crate::store::{INSTANCE_LEASE, StoreError};

/// An open reservation, by what decides about others.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: HoldId,
    pub(super) subject: Subject,
    pub(super) group: Option<Arc<str>>,
    pub(super) at: Timestamp,
    pub(super) life: Life,
    pub(super) items: Vec<HeldItem>,
}

/// Returns how much `open` reservations hold of a window, at the moments it `holds`.
pub(super) fn held_in<'a>(
    open: impl IntoIterator<Item = &'a Open>,
    resource: &Resource,
    holds: &dyn Fn(Timestamp) -> bool,
) -> Amount {
    let here = open.into_iter().filter(|hold| holds(hold.at));
    let items = here.flat_map(|hold| &hold.items).filter(|item| item.resource == *resource);
    items.fold(Amount::ZERO, |sum, item| sum.plus(item.amount).unwrap_or(Amount::MAX))
}

/// Returns the reservations of `subject` that count, and writes nothing.
pub(super) fn counting(
    view: View<'_>,
    subject: &Subject,
    now: Timestamp,
) -> Result<Vec<Open>, StoreError> {
    still(view, load(view.db, subject)?, now)
}

/// Returns the reservations of all subjects that count.
pub(super) fn counting_of_all(view: View<'_>, now: Timestamp) -> Result<Vec<Open>, StoreError> {
    still(view, load_all(view.db)?, now)
}

fn still(view: View<'_>, mut open: Vec<Open>, now: Timestamp) -> Result<Vec<Open>, StoreError> {
    let seen = |instance: &Instance| instances::seen(view.db, instance);
    let living = living(&open, view.own, now, seen)?;
    open.retain(|hold| counts(hold, &living, now));
    Ok(open)
}

/// Ends the reservations of `subject` whose life has ended; returns those that count. Forgets a few
/// of anybody that ended long ago.
///
/// They are given out of the writer's memory: [`keep`] what is still so.
pub(super) fn retire(
    step: &mut Step<'_>,
    subject: &Subject,
    now: Timestamp,
) -> Result<Vec<Open>, StoreError> {
    holds::tidy(step, now)?;
    lapse_due(step, subject, now)
}

/// Does as [`retire`], but forgets nothing: for whoever has looked at one that ended.
pub(super) fn lapse_due(
    step: &mut Step<'_>,
    subject: &Subject,
    now: Timestamp,
) -> Result<Vec<Open>, StoreError> {
    let open = match step.known.take_open(subject) {
        Some(open) => open,
        None => load(step.db, subject)?,
    };
    let own = step.own;
    let living = living(&open, own, now, |instance| step.seen(instance))?;
    if open.iter().all(|hold| counts(hold, &living, now)) {
        return Ok(open);
    }
    let (counting, mut due): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|hold| counts(hold, &living, now));
    due.sort_by_key(|hold| hold.id);
    for hold in due {
        lapse(step, &hold, now)?;
    }
    Ok(counting)
}

/// Lets the writer remember that these are the open reservations of `subject`, and no others.
pub(super) fn keep(step: &mut Step<'_>, subject: &Subject, open: Vec<Open>) {
    step.known.remember_open(subject, open);
}

pub(super) fn counts(hold: &Open, living: &[Instance], now: Timestamp) -> bool {
    match &hold.life {
        Life::Until(end) => now < *end,
        Life::While(instance) => living.contains(instance),
    }
}

/// Returns the instances that `open` reservations live by and that live: those of this process,
/// and those seen lately. They are few.
fn living<'a>(
    open: impl IntoIterator<Item = &'a Open>,
    own: &dyn Own,
    now: Timestamp,
    mut seen: impl FnMut(&Instance) -> Result<Option<Timestamp>, StoreError>,
) -> Result<Vec<Instance>, StoreError> {
    let (mut living, mut dead) = (Vec::new(), Vec::new());
    for hold in open {
        if let Life::While(instance) = &hold.life
            && !living.contains(instance)
            && !dead.contains(instance)
        {
            let lives = lives(own, instance, now, &mut seen)?;
            let which = if lives { &mut living } else { &mut dead };
            which.push(instance.clone());
        }
    }
    Ok(living)
}

/// Returns true if `instance` is of this process, or was seen lately.
pub(super) fn lives(
    own: &dyn Own,
    instance: &Instance,
    now: Timestamp,
    mut seen: impl FnMut(&Instance) -> Result<Option<Timestamp>, StoreError>,
) -> Result<bool, StoreError> {
    let lately = seen(instance)?.is_some_and(|seen| now < seen.after(INSTANCE_LEASE));
    Ok(lately || own.has(instance))
}

/// Ends a reservation whose owner or time is gone, and says so in the ledger.
fn lapse(step: &mut Step<'_>, hold: &Open, now: Timestamp) -> Result<(), StoreError> {
    holds::end(step.db, hold.id, State::Lapsed, now)?;
    for item in &hold.items {
        let event = Event {
            subject: hold.subject.clone(),
            group: hold.group.clone(),
            resource: item.resource.clone(),
            kind: Kind::Lapse,
            amount: Amount::ZERO,
            member: None,
            at: hold.at,
            hold: Some(hold.id),
            bucket: None,
        };
        ledger::append(step, &event, None, now)?;
    }
    Ok(())
}

/// Ends every open reservation of `instance`; returns how many there were.
pub(super) fn end_all_of(
    step: &mut Step<'_>,
    instance: &Instance,
    state: State,
    now: Timestamp,
) -> Result<usize, StoreError> {
    // Open reservations are few, so there is no index by instance.
    let subjects = step.db.all(
        "SELECT DISTINCT subject FROM hold INDEXED BY hold_open
         WHERE state = 'open' AND instance = ?1",
        values![instance],
        |row| row.get(0),
    )?;
    let subjects: Vec<Subject> = subjects;
    let mut ended = 0;
    for subject in &subjects {
        step.known.forget_open(subject);
        let theirs = Life::While(instance.clone());
        for hold in load(step.db, subject)?.iter().filter(|hold| hold.life == theirs) {
            match state {
                State::Lapsed => lapse(step, hold, now)?,
                _ => holds::end(step.db, hold.id, state, now)?,
            }
            ended += 1;
        }
    }
    Ok(ended)
}

/// Returns reservations that count at `now`, oldest first.
pub(super) fn list(view: View<'_>, now: Timestamp, most: usize) -> Result<Vec<Held>, StoreError> {
    let mut all = counting_of_all(view, now)?;
    all.sort_by_key(|hold| (hold.at, hold.id));
    all.truncate(most);
    let held = |hold: Open| Held {
        id: hold.id,
        subject: hold.subject,
        group: hold.group,
        at: hold.at,
        life: hold.life,
        state: State::Open,
        items: hold.items,
    };
    Ok(all.into_iter().map(held).collect())
}

const COLUMNS: &str = "SELECT h.id, h.subject, h.grp, h.at_ms, h.until_ms, h.instance, i.resource, i.amount, i.metered
     FROM hold h LEFT JOIN hold_item i ON i.hold = h.id WHERE h.state = 'open'";

/// Returns the open reservations of `subject`, due ones too.
fn load(db: &dyn Db, subject: &Subject) -> Result<Vec<Open>, StoreError> {
    read(db, &format!("{COLUMNS} AND h.subject = ?1 ORDER BY h.id, i.place"), values![subject])
}

/// Returns the open reservations of all subjects, due ones too.
pub(super) fn load_all(db: &dyn Db) -> Result<Vec<Open>, StoreError> {
    read(db, &format!("{COLUMNS} ORDER BY h.subject, h.id, i.place"), values![])
}

fn read(db: &dyn Db, select: &str, values: &[Value<'_>]) -> Result<Vec<Open>, StoreError> {
    let mut open = Vec::<Open>::new();
    db.each(select, values, |row| {
        let id = row.get(0)?;
        if open.last().is_none_or(|last| last.id != id) {
            open.push(Open {
                id,
                subject: row.get(1)?,
                group: row.get(2)?,
                at: row.get(3)?,
                life: holds::life(row, 4, 5)?,
                items: Vec::new(),
            });
        }
        if let (Some(hold), Some(item)) = (open.last_mut(), item(row)?) {
            hold.items.push(item);
        }
        Ok(())
    })?;
    Ok(open)
}

fn item(row: &dyn Row) -> Result<Option<HeldItem>, StoreError> {
    let resource: Option<Resource> = row.get(6)?;
    let item = |resource| Ok(HeldItem { resource, amount: row.get(7)?, metered: row.get(8)? });
    resource.map(item).transpose()
}
