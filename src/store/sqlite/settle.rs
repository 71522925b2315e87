//! Settle: what becomes of a reservation: extended, released, settled, refunded.

use rusqlite::{Connection, params};

use super::columns::Count;
use super::holds::Entry;
use super::step::Step;
use super::{holds, ledger};
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::event::Kind;
use crate::quota::held::{HoldId, State};
use crate::store::{Settled, StoreError};

pub(super) fn extend(
    step: &mut Step<'_>,
    id: HoldId,
    end: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(entry) = current(step, id, now)? else {
        return Ok(false);
    };
    if entry.held.state != State::Open {
        return Ok(false);
    }
    step.db
        .prepare_cached("UPDATE hold SET until_ms = ?2, instance = NULL WHERE id = ?1")?
        .execute(params![id, end])?;
    Ok(true)
}

pub(super) fn release(
    step: &mut Step<'_>,
    id: HoldId,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    let Some(entry) = current(step, id, now)? else {
        return Ok(None);
    };
    match entry.held.state {
        State::Open => holds::end(step.db, id, State::Released, now)?,
        State::Lapsed | State::Released => {}
        State::Settled | State::Refunded => return conflict("the reservation was settled"),
    }
    Ok(Some(()))
}

pub(super) fn settle(
    step: &mut Step<'_>,
    id: HoldId,
    total: Amount,
    now: Timestamp,
) -> Result<Option<Settled>, StoreError> {
    let Some(entry) = current(step, id, now)? else {
        return Ok(None);
    };
    let late = match entry.held.state {
        State::Open => false,
        State::Lapsed => true,
        State::Settled if entry.total == Some(total) => {
            return Ok(Some(Settled { late: entry.late, replayed: true }));
        }
        State::Settled => return conflict("the reservation was settled with another amount"),
        State::Released => return conflict("the reservation was released"),
        State::Refunded => return conflict("the reservation was refunded"),
    };
    holds::end(step.db, id, State::Settled, now)?;
    step.db
        .prepare_cached("UPDATE hold SET total = ?2, late = ?3 WHERE id = ?1")?
        .execute(params![id, total, late])?;
    for (place, item) in entry.held.charges(total).iter().enumerate() {
        charge(step.db, id, place, item.amount)?;
        let event = holds::event(&entry.held, &item.resource, Kind::Settle, item.amount);
        ledger::append(step.db, &event, None, now)?;
    }
    Ok(Some(Settled { late, replayed: false }))
}

fn charge(db: &Connection, id: HoldId, place: usize, amount: Amount) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE hold_item SET charged = ?3 WHERE hold = ?1 AND place = ?2")?
        .execute(params![id, Count(place), amount])
        .map(|_| ())
}

pub(super) fn refund(
    step: &mut Step<'_>,
    id: HoldId,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    let Some(Entry { held, .. }) = holds::load(step.db, id)? else {
        return Ok(None);
    };
    match held.state {
        State::Refunded => return Ok(Some(())),
        State::Settled => holds::end(step.db, id, State::Refunded, now)?,
        State::Open | State::Lapsed | State::Released => {
            return conflict("the reservation was not settled");
        }
    }
    for item in &held.items {
        let back = Amount::ZERO.minus(item.amount)?;
        let event = holds::event(&held, &item.resource, Kind::Refund, back);
        ledger::append(step.db, &event, None, now)?;
    }
    Ok(Some(()))
}

/// Returns a reservation as it stands at `now`: lapsed, if its life has ended.
fn current(step: &mut Step<'_>, id: HoldId, now: Timestamp) -> Result<Option<Entry>, StoreError> {
    let Some(mut entry) = holds::load(step.db, id)? else {
        return Ok(None);
    };
    let open = holds::retire(step, &entry.held.subject, now)?;
    if entry.held.state == State::Open && !open.iter().any(|hold| hold.id == id) {
        entry.held.state = State::Lapsed;
    }
    Ok(Some(entry))
}

fn conflict<T>(text: &str) -> Result<T, StoreError> {
    Err(StoreError::Conflict(text.to_owned()))
}
