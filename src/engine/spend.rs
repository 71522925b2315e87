//! spend: what was used already is charged, whatever the store says meanwhile.
//!
//! Whoever has had something pays for it also while the store is out: in the journal, or in the
//! memory of this process until the store answers. No caller has to wait for it, and none that is
//! dropped cancels it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::instance::AGAIN;
use super::outage::{Entry, Noted};
use super::{Engine, EngineError, Hold};
use crate::quota::Amount;
use crate::quota::held::HoldId;
use crate::telemetry::cause;

/// Ready once a charge is durable, or was tried and will be tried again. It may be dropped, which
/// changes nothing.
#[derive(Debug)]
pub struct Spent(oneshot::Receiver<()>);

impl Future for Spent {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Nothing is ever said: that whoever would have is gone, says it.
        let _ = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(())
    }
}

/// What was used, on its way into the books.
#[derive(Debug)]
pub(super) struct Spending {
    engine: Engine,
    /// What it ends, if it is the last of it: kept until it is charged, so that it does not lapse.
    hold: Option<Hold>,
    noted: Noted,
    tried: Option<oneshot::Sender<()>>,
}

impl Hold {
    /// Charges what was used already, even past the limit, and whatever the store says: if that is
    /// out, it goes into the journal, or is tried again as long as this process lives. This
    /// happens in the background, whether anybody waits for it or not.
    ///
    /// # Panics
    /// Outside a tokio runtime, if the engine is a [visitor](super::Engine::visit).
    #[must_use]
    pub fn spend(self, total: Amount) -> Spent {
        let (noted, engine) = (self.noted(total), self.engine().clone());
        hand_over(&engine, Some(self.kept()), noted)
    }

    /// Like [`spend`](Hold::spend), of what was used so far: its room stays set aside for what
    /// comes after that. Only what is charged by the size of the action is charged.
    ///
    /// # Panics
    /// As [`spend`](Hold::spend).
    #[must_use]
    pub fn spend_part(&self, part: Amount) -> Spent {
        let mut noted = Noted { id: HoldId::fresh(), seen: false, ..self.noted(part) };
        noted.items.retain(|item| item.metered);
        hand_over(self.engine(), None, noted)
    }
}

fn hand_over(engine: &Engine, hold: Option<Hold>, noted: Noted) -> Spent {
    let (tried, told) = oneshot::channel();
    let spending = Spending { engine: engine.clone(), hold, noted, tried: Some(tried) };
    engine.0.keeper.spend(spending);
    Spent(told)
}

impl Spending {
    /// Tries until it is in the store or the journal, or this process ends.
    pub(super) async fn until_done(mut self: Box<Self>) {
        while let Err(error) = self.attempt().await {
            let Noted { id, subject, total, .. } = &self.noted;
            if !matches!(error, EngineError::Unavailable(_)) || self.is_last() {
                let error = cause(&error);
                tracing::error!(hold = %id, %subject, %total, error, "what was used is not charged");
                return;
            }
            tracing::debug!(hold = %id, error = cause(&error), "what was used is not charged yet");
            self.tried = None;
            sleep(AGAIN).await;
            while self.engine.0.outage.fuse.is_out() && !self.is_last() {
                sleep(AGAIN).await;
            }
        }
    }

    fn is_last(&self) -> bool {
        self.engine.0.keeper.is_closing()
    }

    async fn attempt(&self) -> Result<(), EngineError> {
        let Err(error) = self.charge().await else { return Ok(()) };
        let is_out = matches!(error, EngineError::Unavailable(_));
        if is_out && self.engine.note(Entry::Charge(self.noted.clone())).await {
            return Ok(());
        }
        Err(error)
    }

    async fn charge(&self) -> Result<(), EngineError> {
        let (engine, noted) = (&self.engine, &self.noted);
        if noted.seen {
            let windows = self.hold.as_ref().and_then(Hold::windows);
            match engine.settle_watching(noted.id, noted.total, windows).await {
                // The store has forgotten it, with a server that was lost.
                Err(EngineError::NotFound(_)) => {}
                settled => return settled,
            }
        }
        let charged = engine.charge_anew(noted).await;
        engine.charged();
        Ok(charged?)
    }
}
