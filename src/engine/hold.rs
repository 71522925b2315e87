//! Hold: room set aside; dropped, it ends itself and says so.

use std::sync::Arc;
use std::time::Duration;

use super::instance::Chore;
use super::outage::{Entry, Noted, items};
use super::{Ask, Decision, Engine, EngineError};
use crate::clock::Timestamp;
use crate::quota::held::HoldId;
use crate::quota::plan::Plan;
use crate::quota::{Amount, Subject};
use crate::store::StoreError;
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
    /// The store was out when it was granted: it does not know of it.
    unseen: bool,
    /// Its charge is being written into the journal, and may be there.
    noting: bool,
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
        let (windows, unseen, noting, ended) = (None, false, false, false);
        Self { engine, id, subject, ask, at, room, windows, unseen, noting, ended }
    }

    /// Says in which windows it was granted.
    pub(super) fn granted_in(mut self, plan: Plan) -> Self {
        self.windows = Some(Arc::new(plan));
        self
    }

    /// Says that the store does not know of it.
    pub(super) fn unseen(mut self) -> Self {
        self.unseen = true;
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

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn windows(&self) -> Option<&Plan> {
        self.windows.as_deref()
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
    /// Conflict if the reservation has lapsed; unavailable if the store is. Neither where the
    /// action passes while the store is out: it lapses by nothing else as long as this process
    /// lives.
    pub async fn grow(&mut self, more: Amount) -> Result<Decision, EngineError> {
        let total = self.room.plus(more)?;
        let answer = if self.unseen {
            self.engine.grow_unseen(self, total)
        } else {
            self.engine.grow(self, more, total).await
        };
        let decision = match answer {
            Err(EngineError::Unavailable(_) | EngineError::Conflict(_))
                if self.engine.passes(&self.ask) =>
            {
                self.engine.grow_unseen(self, total)?
            }
            answer => answer?,
        };
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

    /// Replaces the room by what was really used, even past a limit; durable when it returns, in
    /// the store or, where the action passes while that is out, in the journal.
    ///
    /// Dropped half way, it may or may not be settled. After an error the room is given back
    /// when the hold is dropped, unless it had been settled all the same.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn settle(mut self, total: Amount) -> Result<Charge, EngineError> {
        let noted = if self.unseen {
            self.noting = true;
            let noted = self.note(total).await;
            self.noting = false;
            noted?;
            true
        } else {
            self.settle_or_note(total).await?
        };
        self.ended = true;
        let (engine, windows) = (self.engine.clone(), self.windows.clone());
        Ok(Charge { engine, id: self.id, total, windows, noted })
    }

    /// Settles it in the store; true if it is in the journal instead.
    async fn settle_or_note(&mut self, total: Amount) -> Result<bool, EngineError> {
        let windows = self.windows.as_deref();
        let error = match self.engine.settle_watching(self.id, total, windows).await {
            Ok(()) => return Ok(false),
            Err(EngineError::NotFound(_)) => {
                // The store has forgotten it, with a server that was lost.
                match self.engine.charge_anew(&self.noted(total)).await {
                    Ok(()) => return Ok(false),
                    Err(error) => error.into(),
                }
            }
            Err(error) => error,
        };
        if !matches!(error, EngineError::Unavailable(_)) {
            return Err(error);
        }
        if self.engine.passes(&self.ask) && self.note(total).await.is_ok() {
            return Ok(true);
        }
        // It may be settled, and its action does not take place: that is not to be forgotten.
        if !error.was_not_tried() {
            self.ended = self.engine.note(Entry::GiveBack(self.id, self.engine.now())).await;
        }
        Err(error)
    }

    /// Writes down that it is to be charged `total`.
    async fn note(&self, total: Amount) -> Result<(), EngineError> {
        if self.engine.note(Entry::Charge(self.noted(total))).await {
            return Ok(());
        }
        let (what, why) = ("it is out", "what passes could not be written into the journal");
        Err(EngineError::Unavailable(StoreError::unavailable(what, why)))
    }

    pub(super) fn noted(&self, total: Amount) -> Noted {
        Noted {
            id: self.id,
            subject: self.subject.clone(),
            at: self.at,
            since: self.engine.now(),
            seen: !self.unseen,
            total,
            items: self.windows.as_deref().map(items).unwrap_or_default(),
        }
    }

    /// Gives the room back, now.
    ///
    /// # Errors
    /// Unavailable if the store is; it is then given back later.
    pub async fn release(mut self) -> Result<(), EngineError> {
        if !self.unseen {
            self.engine.release(self.id).await?;
        }
        self.ended = true;
        Ok(())
    }

    /// Says that it was not set aside but charged, and in which windows.
    pub(super) fn charged_in(mut self, plan: Plan) -> Charge {
        self.ended = true;
        let windows = Some(Arc::new(plan));
        let (engine, total) = (self.engine.clone(), self.room);
        Charge { engine, id: self.id, total, windows, noted: false }
    }

    /// Says why it was not admitted; returns that. If the store was not even asked, nothing is to
    /// be given back.
    pub(super) fn failed(self, error: EngineError) -> EngineError {
        if error.was_not_tried() || matches!(error, EngineError::BadInput(_)) {
            self.forget();
        }
        error
    }

    /// Says that it lives by its time alone: dropped, it stays.
    pub(super) fn kept(mut self) -> Self {
        self.ended = true;
        self
    }

    /// Leaves it to whoever has its id, and to its time if it has one.
    #[must_use]
    pub fn leave(self) -> HoldId {
        self.kept().id
    }

    /// Says that nothing was set aside after all.
    pub(super) fn forget(mut self) {
        self.ended = true;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.engine.0.keeper.ended();
        if self.noting {
            // Its action does not take place.
            self.engine.0.keeper.see_to(Chore::NoteRefund(self.id));
        } else if !self.ended && !self.unseen {
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
    /// It is in the journal, and what becomes of it goes behind it.
    noted: bool,
}

impl Charge {
    /// Returns the id under which it was charged.
    #[must_use]
    pub const fn id(&self) -> HoldId {
        self.id
    }

    /// Returns how much was charged.
    #[must_use]
    pub const fn total(&self) -> Amount {
        self.total
    }

    /// Takes the charge back, in the buckets it was made in; durable when it returns.
    ///
    /// If the store does not answer, that is written into the journal, and it is taken back once
    /// the store does. Dropped half way, it may or may not be taken back.
    pub async fn refund(self) {
        if !self.noted {
            let refunded = self.engine.refund_watching(self.id, self.windows.as_deref()).await;
            let Err(error) = refunded else { return };
            tracing::debug!(hold = %self.id, error = cause(&error), "refund is put off");
        }
        if !self.engine.note(Entry::Refund(self.id, self.engine.now())).await {
            let again = if self.noted { Chore::NoteRefund } else { Chore::Refund };
            self.engine.0.keeper.see_to(again(self.id));
        }
    }
}
