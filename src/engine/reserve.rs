//! reserve: decide and set room aside.

use std::time::Duration;

use super::plan::Planned;
use super::{Ask, Decision, Engine, EngineError, Hold};
use crate::quota::held::{HoldId, Life};
use crate::quota::plan::Readings;
use crate::quota::{Amount, Subject};
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
    pub(super) fn too_large(&self, size: Option<Amount>) -> bool {
        size.zip(self.max_size)
            .is_some_and(|(size, max)| size > max)
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
        self.reserve_for(subject, ask, Life::While(self.0.instance.clone()))
            .await
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
        self.reserve_for(subject, ask, Life::Until(self.now().after(span)))
            .await
    }

    async fn reserve_for(
        &self,
        subject: &Subject,
        ask: &Ask,
        life: Life,
    ) -> Result<Reserved, EngineError> {
        let now = self.now();
        let size = ask.amount();
        if size.is_some_and(Amount::is_negative) {
            return Err(EngineError::BadInput(
                "a reservation is not below zero".to_owned(),
            ));
        }
        // The guard stands before the store is asked, so that a caller who leaves meanwhile
        // leaves nothing behind.
        let hold = Hold::new(
            self.clone(),
            HoldId::fresh(),
            subject.clone(),
            ask.clone(),
            now,
        );
        let attempt = async |planned: &Planned| {
            if planned.too_large(size) {
                let readings = self.0.store.read(&planned.plan, now).await?;
                return Ok(readings.map(Said::TooLarge));
            }
            let life = life.clone();
            Ok(Said::of(
                self.0
                    .store
                    .reserve(&planned.plan, hold.id(), life, now)
                    .await?,
            ))
        };
        let (said, planned) = self.planned(subject, ask, Some(now), attempt).await?;
        match said {
            Said::Yes(readings) => {
                let decision = Decision::of(&planned, &readings, false, now)?;
                Ok(Reserved {
                    decision,
                    hold: Some(hold),
                })
            }
            Said::No(readings) => {
                hold.forget();
                let decision = Decision::of(&planned, &readings, false, now)?;
                Ok(Reserved {
                    decision,
                    hold: None,
                })
            }
            Said::TooLarge(readings) => {
                hold.forget();
                let decision = Decision::of(&planned, &readings, true, now)?;
                Ok(Reserved {
                    decision,
                    hold: None,
                })
            }
            Said::Lapsed => Err(EngineError::Conflict(
                "the reservation has lapsed".to_owned(),
            )),
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
        let attempt = async |planned: &Planned| {
            if planned.too_large(Some(total)) {
                let readings = self.0.store.read(&planned.plan, now).await?;
                return Ok(readings.map(Said::TooLarge));
            }
            Ok(Said::of(
                self.0.store.grow(hold.id(), &planned.plan, now).await?,
            ))
        };
        let ask = hold.ask().addition(more);
        match self
            .planned(hold.subject(), &ask, Some(hold.at()), attempt)
            .await?
        {
            (Said::Yes(readings) | Said::No(readings), planned) => {
                Ok(Decision::of(&planned, &readings, false, now)?)
            }
            (Said::TooLarge(readings), planned) => {
                Ok(Decision::of(&planned, &readings, true, now)?)
            }
            (Said::Lapsed, _) => Err(EngineError::Conflict(
                "the reservation has lapsed".to_owned(),
            )),
        }
    }
}
