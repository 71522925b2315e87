//! consume: decide and charge in one step.

use super::hold::Charge;
use super::reserve::Said;
use super::{Ask, Decision, Engine, EngineError};
use crate::quota::Subject;

/// The answer to an action that is charged at once: the decision and, if it was yes, the charge.
#[derive(Debug)]
pub struct Consumed {
    /// Yes or no, with figures from before it was charged.
    pub decision: Decision,
    /// What was charged; none after a no.
    pub charge: Option<Charge>,
}

impl Engine {
    /// Decides and, if it is yes, charges what is asked, in one step; durable when it returns.
    ///
    /// Dropped half way, or after an error, what may have been charged is taken back in the
    /// background; by a visitor, it stays.
    ///
    /// # Errors
    /// Bad input for an unknown capability or a negative amount; unavailable if the store is.
    pub async fn consume(&self, subject: &Subject, ask: &Ask) -> Result<Consumed, EngineError> {
        let hold = self.hold(subject, ask)?;
        let (said, planned) = self.admit(&hold, None).await?;
        let now = hold.at();
        match said {
            Said::Yes(readings) => {
                self.charged();
                let decision = Decision::of(&planned, &readings, false, now)?;
                Ok(Consumed { decision, charge: Some(hold.charged_in(planned.plan)) })
            }
            said => {
                hold.forget();
                Ok(Consumed { decision: said.no(&planned, now)?, charge: None })
            }
        }
    }
}
