//! Instances: which processes live, by their signs of life and by what the engine can prove.

use std::time::Duration;

use super::db::Db;
use super::engine::Lock;
use super::open;
use super::step::Step;
use super::value::values;
use crate::clock::Timestamp;
use crate::quota::held::{Instance, State};
use crate::store::{INSTANCE_LEASE, StoreError};

/// How old the sign of life may be when an instance reserves.
const RENEWED: Duration = Duration::from_secs(3);

/// Makes `instance` known as alive, and ends the reservations of those proven dead. Its name may be
/// `claimed` already.
///
/// Returns how many reservations ended, and the lock to keep, if one was taken here.
pub(super) fn join(
    step: &mut Step<'_>,
    instance: &Instance,
    claimed: bool,
    now: Timestamp,
) -> Result<(usize, Option<Lock>), StoreError> {
    let (mut ended, mut lock) = (0, None);
    if claimed || !step.own.has(instance) {
        if !claimed {
            lock = Some(step.own.claim(instance)?.map_or_else(|| taken(instance), Ok)?);
        }
        // Whoever has the name now, no other process has: what is there under it is of a former one,
        // even where nothing else is left of that.
        ended += open::end_all_of(step, instance, State::Lapsed, now)?;
    }
    beat(step, instance, now)?;
    for (other, seen) in others(step, instance)? {
        let is_stale = seen.after(INSTANCE_LEASE) <= now;
        if let Some(_until_written) = step.own.is_dead(&other, is_stale)? {
            ended += open::end_all_of(step, &other, State::Lapsed, now)?;
            remove(step, &other)?;
            step.own.bury(&other);
        }
    }
    Ok((ended, lock))
}

/// Returns the error of an instance whose name another process has.
pub(in crate::store) fn taken<T>(instance: &Instance) -> Result<T, StoreError> {
    let text = format!(
        "instance \"{}\" is already running on this database: give each its own name",
        instance.as_str()
    );
    Err(StoreError::Conflict(text))
}

fn others(step: &Step<'_>, instance: &Instance) -> Result<Vec<(Instance, Timestamp)>, StoreError> {
    let mut others: Vec<(Instance, Timestamp)> = step.db.all(
        "SELECT id, seen_ms FROM instance WHERE id <> ?1 ORDER BY id",
        values![instance],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    others.retain(|(other, _)| !step.own.has(other));
    Ok(others)
}

/// Says that `instance` is gone for good. Its lock is forgotten by the caller, after the commit.
pub(super) fn leave(
    step: &mut Step<'_>,
    instance: &Instance,
    now: Timestamp,
) -> Result<(), StoreError> {
    open::end_all_of(step, instance, State::Released, now)?;
    remove(step, instance)?;
    if step.own.has(instance) {
        step.own.bury(instance);
    }
    Ok(())
}

fn remove(step: &mut Step<'_>, instance: &Instance) -> Result<(), StoreError> {
    step.known.forget_seen(instance);
    step.db.write("DELETE FROM instance WHERE id = ?1", values![instance])
}

/// Renews the sign of life of `instance`.
pub(super) fn beat(
    step: &mut Step<'_>,
    instance: &Instance,
    now: Timestamp,
) -> Result<(), StoreError> {
    step.db.write(
        "INSERT INTO instance (id, seen_ms) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms",
        values![instance, now],
    )?;
    step.known.remember_seen(instance, now);
    Ok(())
}

/// Renews the sign of life of `instance`, unless it gave one just now.
pub(super) fn sign_of_life(
    step: &mut Step<'_>,
    instance: &Instance,
    now: Timestamp,
) -> Result<(), StoreError> {
    match step.seen(instance)? {
        Some(seen) if seen <= now && now < seen.after(RENEWED) => Ok(()),
        _ => beat(step, instance, now),
    }
}

/// Returns the latest sign of life of `instance`, if it is known.
pub(super) fn seen(db: &dyn Db, instance: &Instance) -> Result<Option<Timestamp>, StoreError> {
    db.one("SELECT seen_ms FROM instance WHERE id = ?1", values![instance], |row| row.get(0))
}
