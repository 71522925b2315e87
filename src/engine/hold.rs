//! Hold: room set aside; dropped, it ends itself and says so.

use std::sync::Arc;
use std::time::Duration;

use super::instance::Chore;
use super::{Ask, Decision, Engine, EngineError};
use crate::clock::Timestamp;
use crate::quota::held::HoldId;
use crate::quota::plan::Plan;
use crate::quota::{Amount, Subject};
use crate::telemetry::cause;

/// Room set aside for an action under way.
///
/// End it by [`settle`](Hold::settle) or [`release`](Hold::release). Dropped before that, the
/// room is given back in the background; if this process ends first, the store gives it back when
/// the process is known to be dead.
#[derive(Debug)]
pub struct Hold {
    engine: Engine,
    id: HoldId,
    subject: Subject,
    ask: Ask,
    at: Timestamp,
    /// How much is set aside.
    room: Amount,
    /// The windows it counts in, as they were when it was granted.
    windows: Option<Arc<Plan>>,
    /// Set once nothing is left to give back.
    ended: bool,
}

impl Hold {
    pub(super) fn new(
        engine: Engine,
        id: HoldId,
        subject: Subject,
        ask: Ask,
        at: Timestamp,
    ) -> Self {
        let room = ask.amount().unwrap_or(Amount::ONE);
        engine.0.keeper.begun();
        Self { engine, id, subject, ask, at, room, windows: None, ended: false }
    }

    /// Says in which windows it was granted.
    pub(super) fn granted_in(mut self, plan: Plan) -> Self {
        self.windows = Some(Arc::new(plan));
        self
    }

    /// Returns its id.
    #[must_use]
    pub const fn id(&self) -> HoldId {
        self.id
    }

    /// Returns whose room it is.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(super) const fn ask(&self) -> &Ask {
        &self.ask
    }

    /// Returns the moment that says in which buckets it counts.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns how much is set aside.
    #[must_use]
    pub const fn room(&self) -> Amount {
        self.room
    }

    /// Asks for `more` room; on yes it is added.
    ///
    /// Dropped half way, the addition may or may not have been set aside; the hold ends all of it.
    ///
    /// # Errors
    /// Conflict if the reservation has lapsed; unavailable if the store is.
    pub async fn grow(&mut self, more: Amount) -> Result<Decision, EngineError> {
        let total = self.room.plus(more)?;
        let decision = self.engine.grow(self, more, total).await?;
        if decision.allowed {
            self.room = total;
        }
        Ok(decision)
    }

    /// Makes it live for `span` from now, whether this process lives or not; false if it has
    /// lapsed.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn extend(&self, span: Duration) -> Result<bool, EngineError> {
        let now = self.engine.now();
        Ok(self.engine.0.store.extend(self.id, now.after(span), now).await?)
    }

    /// Replaces the room by what was really used, even past a limit; durable when it returns.
    ///
    /// Dropped half way, it may or may not be settled. After an error the room is given back
    /// when the hold is dropped, unless it had been settled all the same.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn settle(mut self, total: Amount) -> Result<Charge, EngineError> {
        self.engine.settle_watching(self.id, total, self.windows.as_deref()).await?;
        self.ended = true;
        let windows = self.windows.clone();
        Ok(Charge { engine: self.engine.clone(), id: self.id, total, windows })
    }

    /// Gives the room back, now.
    ///
    /// # Errors
    /// Unavailable if the store is; it is then given back later.
    pub async fn release(mut self) -> Result<(), EngineError> {
        self.engine.release(self.id).await?;
        self.ended = true;
        Ok(())
    }

    /// Says that it was not set aside but charged, and in which windows.
    pub(super) fn charged_in(mut self, plan: Plan) -> Charge {
        self.ended = true;
        let windows = Some(Arc::new(plan));
        Charge { engine: self.engine.clone(), id: self.id, total: self.room, windows }
    }

    /// Says that nothing was set aside after all.
    pub(super) fn forget(mut self) {
        self.ended = true;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.engine.0.keeper.ended();
        if !self.ended {
            tracing::debug!(hold = %self.id, subject = %self.subject, room = %self.room, "hold dropped");
            self.engine.0.keeper.see_to(Chore::GiveBack(self.id));
        }
    }
}

/// What was charged for an action that has been settled; can be taken back.
#[derive(Debug)]
#[must_use = "a charge stays unless it is refunded"]
pub struct Charge {
    engine: Engine,
    id: HoldId,
    total: Amount,
    windows: Option<Arc<Plan>>,
}

impl Charge {
    /// Returns how much was charged.
    #[must_use]
    pub const fn total(&self) -> Amount {
        self.total
    }

    /// Takes the charge back, in the buckets it was made in; durable when it returns.
    ///
    /// If the store does not answer, it is taken back in the background once it does. Dropped
    /// half way, it may or may not be taken back.
    pub async fn refund(self) {
        if let Err(error) = self.engine.refund_watching(self.id, self.windows.as_deref()).await {
            let error = cause(&error);
            tracing::warn!(hold = %self.id, error, "refund is put off");
            self.engine.0.keeper.see_to(Chore::Refund(self.id));
        }
    }
}
