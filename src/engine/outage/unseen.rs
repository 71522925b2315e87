//! Unseen: what passes while the store is out, and is charged later.
//!
//! What needs no count holds all the same: the size of one upload, and that what is larger than a
//! whole window can never fit. Of a subject that was not seen since the start nothing of its own
//! is known: its group decides.

use crate::clock::Timestamp;
use crate::engine::plan::{Planned, plan};
use crate::engine::{Ask, Decision, Engine, EngineError, Hold, Reserved};
use crate::quota::held::HeldItem;
use crate::quota::plan::{Plan, Reading};
use crate::quota::{Amount, Subject};

impl Engine {
    /// Tells whether `subject` may do what it asks although the store is out; none if that must
    /// not pass. Nothing is set aside, and nothing is written down.
    ///
    /// # Errors
    /// Bad input for an unknown capability.
    pub fn check_unseen(
        &self,
        subject: &Subject,
        ask: &Ask,
    ) -> Result<Option<Decision>, EngineError> {
        if !self.passes(ask) {
            return Ok(None);
        }
        Ok(Some(self.judge_unseen(subject, ask, None, self.now())?.0))
    }

    /// Lets `subject` do what it asks, if that passes while the store is out and can ever fit.
    pub(in crate::engine) fn reserve_unseen(
        &self,
        subject: &Subject,
        ask: &Ask,
    ) -> Result<Reserved, EngineError> {
        let hold = self.hold(subject, ask)?;
        let (decision, planned) = self.judge_unseen(subject, ask, None, hold.at())?;
        if let Err(invalid) = planned.can_be_admitted(true) {
            hold.forget();
            return Err(invalid.into());
        }
        if decision.allowed {
            let hold = hold.granted_in(planned.plan).unseen();
            return Ok(Reserved { decision, hold: Some(hold) });
        }
        hold.forget();
        Ok(Reserved { decision, hold: None })
    }

    /// Decides whether what `hold` is for may become `total`.
    pub(in crate::engine) fn grow_unseen(
        &self,
        hold: &Hold,
        total: Amount,
    ) -> Result<Decision, EngineError> {
        Ok(self.judge_unseen(hold.subject(), hold.ask(), Some(total), hold.at())?.0)
    }

    /// Decides by the policy as last seen, as if nobody had used anything.
    fn judge_unseen(
        &self,
        subject: &Subject,
        ask: &Ask,
        total: Option<Amount>,
        at: Timestamp,
    ) -> Result<(Decision, Planned), EngineError> {
        let now = self.now();
        let (snapshot, grants) = self.last_seen(subject);
        let mut planned = plan(&snapshot.policy, &grants, subject, ask.into(), at, now)?;
        if let Some(total) = total {
            for item in planned.plan.items.iter_mut().filter(|item| item.metered) {
                item.amount = total;
            }
        }
        let unused = |item: &crate::quota::plan::Item| vec![Reading::default(); item.bounds.len()];
        let readings = planned.plan.items.iter().map(unused).collect();
        let size = total.or(ask.amount()).unwrap_or(Amount::ONE);
        let too_large = planned.too_large(size);
        let decision = Decision::of(&planned, &readings, too_large, now)?;
        Ok((decision, planned))
    }
}

/// Returns what the windows of `plan` are asked for, as a reservation keeps it.
pub(in crate::engine) fn items(plan: &Plan) -> Vec<HeldItem> {
    let each = plan.items.iter().map(|item| HeldItem {
        resource: item.resource.clone(),
        amount: item.amount,
        metered: item.metered,
    });
    each.collect()
}
