//! check: may they? Writes nothing.

use super::{Ask, Decision, Engine, EngineError};
use crate::quota::Subject;

impl Engine {
    /// Tells whether `subject` may do what it asks, now. Nothing is set aside: a second question
    /// right after may be answered otherwise.
    ///
    /// # Errors
    /// Bad input for an unknown capability; unavailable if the store is.
    pub async fn check(&self, subject: &Subject, ask: &Ask) -> Result<Decision, EngineError> {
        let now = self.now();
        let read = async |planned: &super::plan::Planned| {
            Ok(self.0.store.read(&planned.plan, now).await?)
        };
        let (readings, planned) = self.planned(subject, ask, None, read).await?;
        let too_large = planned.too_large(ask.amount());
        Ok(Decision::of(&planned, &readings, too_large, now)?)
    }
}
