//! What a user's client should know before it uploads: the size that can ever fit.

use super::{Ask, Engine, EngineError};
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
        let in_bytes =
            |item: &&crate::quota::plan::Item| item.resource.unit() == crate::quota::Unit::Bytes;
        let bounds = planned.plan.items.iter().filter(in_bytes).flat_map(|item| &item.bounds);
        let window = bounds.filter_map(|bound| bound.limit).min();
        let largest = [planned.max_size, window].into_iter().flatten().min();
        Ok(UploadTerms { largest, window })
    }
}
