//! reserve: decide and set room aside.

use std::time::Duration;

use super::plan::Planned;
use super::{Ask, Decision, Engine, EngineError, Hold};
use crate::quota::held::{HoldId, Life};
use crate::quota::plan::Readings;
use crate::quota::{Amount, Overflow, Subject};
use crate::store::Admission;

/// The answer to a reservation: the decision and, if it was yes, the room.
#[derive(Debug)]
pub struct Reserved {
    /// Yes or no, with figures from before the room was set aside.
    pub decision: Decision,
    /// The room; none after a no.
    pub hold: Option<Hold>,
}

/// What the store said to a plan that was not stale.
#[derive(Debug)]
pub(super) enum Said {
    Yes(Readings),
    No(Readings),
    /// No plan was tried in earnest: one action is larger than one may be.
    TooLarge(Readings),
    Lapsed,
}

impl Said {
    /// Turns what the store said into words of the engine; none if the plan was stale.
    fn of(admission: Admission) -> Option<Self> {
        match admission {
            Admission::Granted(readings) => Some(Self::Yes(readings)),
            Admission::Denied(readings) => Some(Self::No(readings)),
            Admission::Lapsed => Some(Self::Lapsed),
            Admission::Stale => None,
        }
    }
}

impl Planned {
    /// Returns true if an action of `size` is larger than one may be.
    pub(super) fn too_large(&self, size: Amount) -> bool {
        self.max_size.is_some_and(|max| size > max)
    }

    /// Tells the addition to a hold as if all of it were asked anew: the same sum, but what the
    /// hold has already no longer counts as room that others might give back.
    fn with_whole(
        mut self,
        own: Amount,
        mut readings: Readings,
    ) -> Result<(Self, Readings), Overflow> {
        for item in &mut self.plan.items {
            item.amount = item.amount.plus(own)?;
        }
        for reading in readings.iter_mut().flatten() {
            reading.held = reading.held.minus(own)?.at_least_zero();
        }
        Ok((self, readings))
    }
}

impl Engine {
    /// Decides and, if it is yes, sets the room aside for as long as this process lives.
    ///
    /// May be dropped at any moment: room that was set aside meanwhile is given back.
    ///
    /// # Errors
    /// Bad input for an unknown capability or a negative amount; unavailable if the store is.
    pub async fn reserve(&self, subject: &Subject, ask: &Ask) -> Result<Reserved, EngineError> {
        self.reserve_for(subject, ask, Life::While(self.0.instance.clone())).await
    }

    /// Like [`Engine::reserve`], for at most `span`, whether this process lives or not.
    ///
    /// # Errors
    /// As [`Engine::reserve`].
    pub async fn reserve_until(
        &self,
        subject: &Subject,
        ask: &Ask,
        span: Duration,
    ) -> Result<Reserved, EngineError> {
        self.reserve_for(subject, ask, Life::Until(self.now().after(span))).await
    }

    async fn reserve_for(
        &self,
        subject: &Subject,
        ask: &Ask,
        life: Life,
    ) -> Result<Reserved, EngineError> {
        let now = self.now();
        let size = ask.amount().unwrap_or(Amount::ONE);
        if size.is_negative() {
            return Err(EngineError::BadInput("a reservation is not below zero".to_owned()));
        }
        ask.can_be_held(&self.snapshot().policy)?;
        // The guard stands before the store is asked, so that a caller who leaves meanwhile
        // leaves nothing behind.
        let hold = Hold::new(self.clone(), HoldId::fresh(), subject.clone(), ask.clone(), now);
        let mut planning = self.planning(subject, ask, Some(now));
        let (said, planned) = loop {
            let planned = planning.next().await?;
            let said = if planned.too_large(size) {
                self.0.store.read(&planned.plan, now).await?.map(Said::TooLarge)
            } else {
                let life = life.clone();
                Said::of(self.0.store.reserve(&planned.plan, hold.id(), life, now).await?)
            };
            if let Some(said) = said {
                break (said, planned);
            }
        };
        match said {
            Said::Yes(readings) => {
                let decision = Decision::of(&planned, &readings, false, now)?;
                Ok(Reserved { decision, hold: Some(hold.granted_in(planned.plan)) })
            }
            Said::No(readings) => {
                hold.forget();
                let decision = Decision::of(&planned, &readings, false, now)?;
                Ok(Reserved { decision, hold: None })
            }
            Said::TooLarge(readings) => {
                hold.forget();
                let decision = Decision::of(&planned, &readings, true, now)?;
                Ok(Reserved { decision, hold: None })
            }
            Said::Lapsed => Err(EngineError::Conflict("the reservation has lapsed".to_owned())),
        }
    }

    /// Decides `more` for a reservation that will then be `total`, and adds it.
    pub(super) async fn grow(
        &self,
        hold: &Hold,
        more: Amount,
        total: Amount,
    ) -> Result<Decision, EngineError> {
        let now = self.now();
        let ask = hold.ask().addition(more);
        let mut planning = self.planning(hold.subject(), &ask, Some(hold.at()));
        let (said, planned) = loop {
            let planned = planning.next().await?;
            let said = if planned.too_large(total) {
                self.0.store.read(&planned.plan, now).await?.map(Said::TooLarge)
            } else {
                Said::of(self.0.store.grow(hold.id(), &planned.plan, now).await?)
            };
            if let Some(said) = said {
                break (said, planned);
            }
        };
        let (readings, too_large) = match said {
            Said::Yes(readings) | Said::No(readings) => (readings, false),
            Said::TooLarge(readings) => (readings, true),
            Said::Lapsed => {
                return Err(EngineError::Conflict("the reservation has lapsed".to_owned()));
            }
        };
        let (planned, readings) = planned.with_whole(hold.room(), readings)?;
        Ok(Decision::of(&planned, &readings, too_large, now)?)
    }
}
