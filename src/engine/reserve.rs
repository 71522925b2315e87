//! reserve: decide and set room aside.

use std::time::Duration;

use super::plan::Planned;
use super::{Ask, Decision, Engine, EngineError, Hold};
use crate::clock::Timestamp;
use crate::quota::held::{HoldId, Life};
use crate::quota::plan::Readings;
use crate::quota::{Aggregate, Amount, Invalid, Overflow, Subject};
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

    /// Tells what was not admitted.
    pub(super) fn no(self, planned: &Planned, now: Timestamp) -> Result<Decision, EngineError> {
        match self {
            Self::Yes(readings) | Self::No(readings) => {
                Ok(Decision::of(planned, &readings, false, now)?)
            }
            Self::TooLarge(readings) => Ok(Decision::of(planned, &readings, true, now)?),
            Self::Lapsed => Err(EngineError::Conflict("the reservation has lapsed".to_owned())),
        }
    }
}

impl Planned {
    /// Returns true if an action of `size` is larger than one may be.
    pub(super) fn too_large(&self, size: Amount) -> bool {
        self.max_size.is_some_and(|max| size > max)
    }

    /// Returns an error if something of it cannot be charged, or not be `held` before that.
    pub(super) fn can_be_admitted(&self, held: bool) -> Result<(), Invalid> {
        for item in &self.plan.items {
            if item.amount.is_negative() {
                return Err(Invalid::new("a reservation is not below zero"));
            }
            if held && item.aggregate == Aggregate::Unique {
                return Err(Invalid::new(format!(
                    "members of {} cannot be reserved: consume them, or record them by use",
                    item.resource
                )));
            }
        }
        Ok(())
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
    /// Decides and, if it is yes, sets the room aside for as long as this process lives. While the
    /// store is out it passes if its capability, or [`Outages`](super::Outages), says so.
    ///
    /// May be dropped at any moment: room that was set aside meanwhile is given back.
    ///
    /// # Errors
    /// Bad input for an unknown capability or a negative amount; unavailable if the store is.
    pub async fn reserve(&self, subject: &Subject, ask: &Ask) -> Result<Reserved, EngineError> {
        let life = Life::While(self.0.instance.clone());
        match self.reserve_for(subject, ask, life).await {
            Err(EngineError::Unavailable(_)) if self.passes(ask) => {
                self.reserve_unseen(subject, ask)
            }
            answer => answer,
        }
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
        let hold = self.hold(subject, ask)?;
        let (said, planned) = match self.admit(&hold, Some(life)).await {
            Ok(answer) => answer,
            Err(error) => return Err(hold.failed(error)),
        };
        let now = hold.at();
        match said {
            Said::Yes(readings) => {
                let decision = Decision::of(&planned, &readings, false, now)?;
                Ok(Reserved { decision, hold: Some(hold.granted_in(planned.plan)) })
            }
            said => {
                hold.forget();
                Ok(Reserved { decision: said.no(&planned, now)?, hold: None })
            }
        }
    }

    /// Returns the guard of what is to be admitted. It stands before the store is asked, so that
    /// a caller who leaves meanwhile leaves nothing behind.
    pub(super) fn hold(&self, subject: &Subject, ask: &Ask) -> Result<Hold, EngineError> {
        self.hold_as(HoldId::fresh(), subject, ask)
    }

    /// Like [`Engine::hold`], under this id.
    pub(super) fn hold_as(
        &self,
        id: HoldId,
        subject: &Subject,
        ask: &Ask,
    ) -> Result<Hold, EngineError> {
        if ask.amount().is_some_and(Amount::is_negative) {
            return Err(EngineError::BadInput("a reservation is not below zero".to_owned()));
        }
        Ok(Hold::new(self.clone(), id, subject.clone(), ask.clone(), self.now()))
    }

    /// Has the store decide what `hold` asks: set aside for a `life`, or charged at once.
    pub(super) async fn admit(
        &self,
        hold: &Hold,
        life: Option<Life>,
    ) -> Result<(Said, Planned), EngineError> {
        let (now, size, store) = (hold.at(), hold.room(), &self.0.store);
        let mut planning = self.planning(hold.subject(), hold.ask(), Some(now));
        loop {
            let planned = planning.next().await?;
            planned.can_be_admitted(life.is_some())?;
            let said = if planned.too_large(size) {
                store.read(&planned.plan, now).await?.map(Said::TooLarge)
            } else {
                Said::of(match &life {
                    Some(life) => {
                        store.reserve(&planned.plan, hold.id(), life.clone(), now).await?
                    }
                    None => store.consume(&planned.plan, hold.id(), now).await?,
                })
            };
            if let Some(said) = said {
                return Ok((said, planned));
            }
        }
    }

    /// Decides `more` for a reservation that will then be `total`, and adds it.
    pub(super) async fn grow(
        &self,
        hold: &Hold,
        more: Amount,
        total: Amount,
    ) -> Result<Decision, EngineError> {
        let grown = self.grow_if_open(hold, more, total).await?;
        grown.ok_or_else(|| EngineError::Conflict("the reservation has lapsed".to_owned()))
    }

    /// Like [`Engine::grow`]; none if the reservation is no longer open.
    pub(super) async fn grow_if_open(
        &self,
        hold: &Hold,
        more: Amount,
        total: Amount,
    ) -> Result<Option<Decision>, EngineError> {
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
        let granted = matches!(said, Said::Yes(_));
        let (readings, too_large) = match said {
            Said::Yes(readings) | Said::No(readings) => (readings, false),
            Said::TooLarge(readings) => (readings, true),
            Said::Lapsed => return Ok(None),
        };
        let (planned, readings) = planned.with_whole(hold.room(), readings)?;
        let decision = Decision::of(&planned, &readings, too_large, now)?;
        // The store has the word: in a pool that the subject joined meanwhile, the figures of the
        // whole are others.
        Ok(Some(if granted { decision.granted() } else { decision }))
    }
}
