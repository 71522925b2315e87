//! How a reservation ends: settled, released, refunded.

use super::{Books, SettledAs, conflict};
use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::event::Kind;
use crate::quota::held::{Held, HoldId, State};
use crate::quota::plan::Plan;
use crate::store::{Settled, StoreError};

impl Books {
    pub(in crate::store::memory) fn settle(
        &mut self,
        id: HoldId,
        total: Amount,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        let Some(mut held) = self.as_at(id, now) else {
            return Ok(None);
        };
        let late = match held.state {
            State::Open => false,
            State::Lapsed => true,
            State::Settled => {
                let known = self.settled.get(&id).filter(|known| known.total == total);
                let Some(SettledAs { late, .. }) = known.copied() else {
                    return conflict("the reservation was settled with another amount");
                };
                self.retire(&held.subject, now);
                return Ok(Some(Settled { late, replayed: true }));
            }
            State::Released => return conflict("the reservation was released"),
            State::Refunded => return conflict("the reservation was refunded"),
        };
        self.retire(&held.subject, now);
        held.items = held.charges(total);
        self.end(id, State::Settled);
        held.state = State::Settled;
        self.settled.insert(id, SettledAs { total, late });
        self.holds.insert(id, held.clone());
        self.watched(watched, now, |books| {
            for item in &held.items {
                books.happened(held.event(item, Kind::Settle, item.amount), None, now);
            }
        });
        Ok(Some(Settled { late, replayed: false }))
    }

    pub(in crate::store::memory) fn release(
        &mut self,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        let Some(held) = self.as_at(id, now) else {
            return Ok(None);
        };
        if matches!(held.state, State::Settled | State::Refunded) {
            return conflict("the reservation was settled");
        }
        self.retire(&held.subject, now);
        if held.state == State::Open {
            self.end(id, State::Released);
        }
        Ok(Some(()))
    }

    pub(in crate::store::memory) fn refund(
        &mut self,
        id: HoldId,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        let Some(held) = self.holds.get(&id).cloned() else {
            return Ok(None);
        };
        match held.state {
            State::Refunded => return Ok(Some(())),
            State::Settled => {}
            State::Open | State::Lapsed | State::Released => {
                return conflict("the reservation was not settled");
            }
        }
        let amounts = held.items.iter().map(|item| Amount::ZERO.minus(item.amount));
        let amounts: Vec<_> = amounts.collect::<Result<_, _>>()?;
        self.end(id, State::Refunded);
        self.watched(watched, now, |books| {
            for (item, amount) in held.items.iter().zip(amounts) {
                books.happened(held.event(item, Kind::Refund, amount), None, now);
            }
        });
        Ok(Some(()))
    }

    /// Returns a reservation as it is at `now`: lapsed, if its life has ended.
    pub(super) fn as_at(&self, id: HoldId, now: Timestamp) -> Option<Held> {
        let mut held = self.holds.get(&id)?.clone();
        if held.state == State::Open && !self.counts(&held, now) {
            held.state = State::Lapsed;
        }
        Some(held)
    }
}
