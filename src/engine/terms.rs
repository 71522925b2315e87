//! What a user's client should know before it uploads: the size that can ever fit.

use super::{Ask, Engine, EngineError};
use crate::quota::plan::Bound;
use crate::quota::strictness::{Admit, Mode};
use crate::quota::{Amount, Subject};

/// The stable bounds of one upload; neither depends on what is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadTerms {
    /// The largest file that can ever be accepted; none if any size can.
    pub largest: Option<Amount>,
    /// The whole size of the smallest window in bytes; none if unlimited.
    pub window: Option<Amount>,
}

impl Engine {
    /// Returns the bounds of one upload by `subject`.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn upload_terms(&self, subject: &Subject) -> Result<UploadTerms, EngineError> {
        let ask = Ask::upload(Amount::ZERO);
        let (_, planned) = self.read(subject, &ask, self.now()).await?;
        let items = planned.plan.items.iter().zip(&planned.measures);
        let in_bytes = items.filter(|(_, measure)| measure.in_bytes());
        let window = in_bytes.flat_map(|(item, _)| &item.bounds).filter_map(denies_past).min();
        let largest = [planned.max_size, window].into_iter().flatten().min();
        Ok(UploadTerms { largest, window })
    }
}

/// Returns the amount past which a window denies for certain; none if it never does.
fn denies_past(bound: &Bound) -> Option<Amount> {
    match (bound.strictness.mode, bound.strictness.admit) {
        (Mode::Hard, Admit::Strict) => bound.limit,
        (Mode::Soft, Admit::Strict) => bound.limit.and(bound.strictness.ceiling),
        (_, Admit::Trailing) | (Mode::Observe, _) => None,
    }
}
