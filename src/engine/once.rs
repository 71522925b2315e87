//! Once: what is reserved or consumed under a key happens once, however often it is asked.
//!
//! The key and its subject make the id of the reservation, so that the store itself knows it.

use std::time::Duration;

use super::plan::plan;
use super::reserve::Said;
use super::{Ask, Decision, Engine, EngineError, Hold, Reason};
use crate::quota::held::{Held, HoldId, Life, State};
use crate::quota::idempotency::Key;
use crate::quota::{Amount, Subject};

/// The answer to what is asked under a key, or without one.
#[derive(Debug)]
pub struct Once {
    /// Yes or no, with figures from before it.
    pub decision: Decision,
    /// The reservation; none after a no.
    pub id: Option<HoldId>,
    /// It had been granted before under the same key; nothing was changed.
    pub replayed: bool,
}

impl Engine {
    /// Reserves for at most `span`, whether this process lives or not; under a `key` once.
    ///
    /// May be dropped at any moment: without a key, room that was set aside meanwhile is given
    /// back; with one it waits for whoever asks again.
    ///
    /// # Errors
    /// Bad input for an unknown capability, a negative amount, and what is no key; conflict for a
    /// key that was used for something else; unavailable if the store is.
    pub async fn reserve_once(
        &self,
        subject: &Subject,
        ask: &Ask,
        span: Duration,
        key: Option<&str>,
    ) -> Result<Once, EngineError> {
        let Some(key) = key else {
            let reserved = self.reserve_until(subject, ask, span).await?;
            let id = reserved.hold.map(Hold::leave);
            return Ok(Once { decision: reserved.decision, id, replayed: false });
        };
        let life = Life::Until(self.now().after(span));
        self.once(subject, ask, ("reserve", key), Some(life)).await
    }

    /// Charges at once; under a `key` once.
    ///
    /// # Errors
    /// As [`Engine::reserve_once`].
    pub async fn consume_once(
        &self,
        subject: &Subject,
        ask: &Ask,
        key: Option<&str>,
    ) -> Result<Once, EngineError> {
        let Some(key) = key else {
            let consumed = self.consume(subject, ask).await?;
            let id = consumed.charge.map(|charge| charge.id());
            return Ok(Once { decision: consumed.decision, id, replayed: false });
        };
        self.once(subject, ask, ("consume", key), None).await
    }

    async fn once(
        &self,
        subject: &Subject,
        ask: &Ask,
        (verb, key): (&str, &str),
        life: Option<Life>,
    ) -> Result<Once, EngineError> {
        let Key { name, .. } = Key::new(key, Vec::new())?;
        let id = HoldId::named(&format!("{verb}\0{subject}\0{name}"));
        if let Some(held) = self.0.store.held(id).await? {
            return self.again(&held, ask, &name, life.is_none()).await;
        }
        let hold = self.hold_as(id, subject, ask)?.kept();
        let charged = life.is_none();
        let (said, planned) = self.admit(&hold, life).await?;
        let now = hold.at();
        let granted = matches!(said, Said::Yes(_));
        if matches!(said, Said::Lapsed) {
            // Someone with the same key was quicker, and is done already.
            let held = self.0.store.held(id).await?.ok_or_else(super::settle::unknown)?;
            return self.again(&held, ask, &name, charged).await;
        }
        let decision = said.no(&planned, now)?;
        if granted {
            self.charged();
        }
        Ok(Once { decision, id: granted.then_some(id), replayed: false })
    }

    /// Answers what was granted before as it was then, with the figures of now.
    ///
    /// What was `charged` at once is what was asked; what was held may have become something else.
    async fn again(
        &self,
        held: &Held,
        ask: &Ask,
        key: &str,
        charged: bool,
    ) -> Result<Once, EngineError> {
        let (snapshot, grants) = self.grants(&held.subject).await?;
        let now = self.now();
        let planned = plan(&snapshot.policy, &grants, &held.subject, ask.into(), now, now)?;
        let same = planned.plan.items.len() == held.items.len()
            && planned.plan.items.iter().all(|item| {
                let there = held.items.iter().find(|it| it.resource == item.resource);
                there.is_some_and(|there| {
                    let metered = there.metered && !charged;
                    is_of(item.amount, there.amount, held.state, metered)
                })
            });
        if !same {
            return Err(EngineError::Conflict(format!(
                "the key \"{key}\" was used for something else: use another one"
            )));
        }
        let mut decision = self.check(&held.subject, ask).await?;
        (decision.allowed, decision.reason) = (true, Reason::WithinLimits);
        decision.retry_after = None;
        Ok(Once { decision, id: Some(held.id), replayed: true })
    }
}

/// Returns whether what is held may have begun as `asked`: an open one may have grown, and what
/// was settled is what was used.
fn is_of(asked: Amount, held: Amount, state: State, metered: bool) -> bool {
    match state {
        State::Settled | State::Refunded if metered => true,
        State::Open | State::Lapsed | State::Released if metered => asked <= held,
        _ => asked == held,
    }
}
