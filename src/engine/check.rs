//! check: may they? Writes nothing.

use super::{Ask, Decision, Engine, EngineError};
use crate::quota::{Amount, Subject};

impl Engine {
    /// Tells whether `subject` may do what it asks, now. Nothing is set aside: a second question
    /// right after may be answered otherwise. Giving back (an amount below zero) always fits.
    ///
    /// # Errors
    /// Bad input for an unknown capability; unavailable if the store is.
    pub async fn check(&self, subject: &Subject, ask: &Ask) -> Result<Decision, EngineError> {
        let size = ask.amount().unwrap_or(Amount::ONE);
        let now = self.now();
        let (readings, planned) = self.read(subject, ask, now).await?;
        let too_large = planned.too_large(size);
        Ok(Decision::of(&planned, &readings, too_large, now)?)
    }
}
