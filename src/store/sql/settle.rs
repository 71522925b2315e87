//! Settle: what becomes of a reservation: extended, released, settled, refunded.

use super::holds::Entry;
use super::open::{self, Open};
use super::step::Step;
use super::value::values;
use super::{holds, ledger, watch};
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::event::Kind;
use crate::quota::held::{Held, HoldId, Life, State};
use crate::quota::plan::Plan;
use crate::store::{Settled, StoreError};

pub(super) fn extend(
    step: &mut Step<'_>,
    id: HoldId,
    end: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some((entry, mut open)) = current(step, id, now)? else {
        return Ok(false);
    };
    let hold = open.iter_mut().find(|hold| hold.id == id);
    let is_open = hold.is_some();
    if let Some(hold) = hold {
        step.db.write(
            "UPDATE hold SET until_ms = ?2, instance = NULL WHERE id = ?1",
            values![id, end],
        )?;
        hold.life = Life::Until(end);
    }
    open::keep(step, &entry.held.subject, open);
    Ok(is_open)
}

pub(super) fn release(
    step: &mut Step<'_>,
    id: HoldId,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    let Some((entry, mut open)) = current(step, id, now)? else {
        return Ok(None);
    };
    let known = match entry.held.state {
        State::Open => {
            holds::end(step.db, id, State::Released, now)?;
            open.retain(|hold| hold.id != id);
            step.known.forget_whose(id);
            Ok(Some(()))
        }
        State::Lapsed | State::Released => Ok(Some(())),
        State::Settled | State::Refunded => conflict("the reservation was settled"),
    };
    open::keep(step, &entry.held.subject, open);
    known
}

pub(super) fn settle(
    step: &mut Step<'_>,
    id: HoldId,
    total: Amount,
    watched: Option<&Plan>,
    now: Timestamp,
) -> Result<Option<Settled>, StoreError> {
    let Some((Entry { held, total: before, late }, mut open)) = current(step, id, now)? else {
        return Ok(None);
    };
    open.retain(|hold| hold.id != id);
    open::keep(step, &held.subject, open);
    step.known.forget_whose(id);
    let late = match held.state {
        State::Open => false,
        State::Lapsed => true,
        State::Settled if before == Some(total) => {
            return Ok(Some(Settled { late, replayed: true }));
        }
        State::Settled => return conflict("the reservation was settled with another amount"),
        State::Released => return conflict("the reservation was released"),
        State::Refunded => return conflict("the reservation was refunded"),
    };
    watch::watching(step, watched, now, |step| charge(step, &held, total, late, now))?;
    Ok(Some(Settled { late, replayed: false }))
}

fn charge(
    step: &mut Step<'_>,
    held: &Held,
    total: Amount,
    late: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    holds::settle(step.db, held.id, total, late, now)?;
    for (place, item) in held.charges(total).iter().enumerate() {
        holds::charge_item(step.db, held.id, place, item.amount)?;
        ledger::append(step, &held.event(item, Kind::Settle, item.amount), None, now)?;
    }
    Ok(())
}

pub(super) fn refund(
    step: &mut Step<'_>,
    id: HoldId,
    watched: Option<&Plan>,
    now: Timestamp,
) -> Result<Option<()>, StoreError> {
    let Some(Entry { held, .. }) = holds::known(step, id)? else {
        return Ok(None);
    };
    match held.state {
        State::Refunded => return Ok(Some(())),
        State::Settled => holds::end(step.db, id, State::Refunded, now)?,
        State::Open | State::Lapsed | State::Released => {
            return conflict("the reservation was not settled");
        }
    }
    watch::watching(step, watched, now, |step| {
        held.items.iter().try_for_each(|item| {
            let back = Amount::ZERO.minus(item.amount)?;
            ledger::append(step, &held.event(item, Kind::Refund, back), None, now)
        })
    })?;
    Ok(Some(()))
}

/// Returns a reservation as it stands at `now`, lapsed if its life has ended, and all of its
/// subject that count.
fn current(
    step: &mut Step<'_>,
    id: HoldId,
    now: Timestamp,
) -> Result<Option<(Entry, Vec<Open>)>, StoreError> {
    let Some(mut entry) = holds::known(step, id)? else {
        return Ok(None);
    };
    let open = open::lapse_due(step, &entry.held.subject, now)?;
    if entry.held.state == State::Open && !open.iter().any(|hold| hold.id == id) {
        entry.held.state = State::Lapsed;
    }
    Ok(Some((entry, open)))
}

fn conflict<T>(text: &str) -> Result<T, StoreError> {
    Err(StoreError::Conflict(text.to_owned()))
}
