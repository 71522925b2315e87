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
    /// ```
    /// # use std::sync::Arc;
    /// # use metergate::clock::Manual;
    /// # use metergate::store::memory::Memory;
    /// # use metergate::{Amount, Ask, Engine, GroupChange, Limit, Measure};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = Arc::new(Manual::at("2026-11-30T22:00:00Z".parse()?));
    /// # let engine = Engine::visit(Arc::new(Memory::default()), clock).await?;
    /// # let limits = [("media_bytes".parse()?, Limit::parse("500MB/month", &Measure::BYTES)?)].into();
    /// # let free = GroupChange { limits, default: true, ..GroupChange::default() };
    /// # engine.set_group("free", &free).await?;
    /// let ask = Ask::upload(Amount::new(300_000_000));
    /// let alice = "@alice:example.org".parse()?;
    /// assert!(engine.consume(&alice, &ask).await?.decision.allowed);
    /// let second = engine.consume(&alice, &ask).await?;
    /// assert!(!second.decision.allowed && second.charge.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Bad input for an unknown capability or a negative amount; unavailable if the store is.
    pub async fn consume(&self, subject: &Subject, ask: &Ask) -> Result<Consumed, EngineError> {
        let hold = self.hold(subject, ask)?;
        let (said, planned) = match self.admit(&hold, None).await {
            Ok(answer) => answer,
            Err(error) => return Err(hold.failed(error)),
        };
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
