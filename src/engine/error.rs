//! EngineError: bad input, not found, conflict, unavailable.

use crate::quota::{Invalid, Overflow};
use crate::store::StoreError;

/// Why the engine did not answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// What was asked makes no sense; the text says what would.
    #[error("{0}")]
    BadInput(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// What was asked contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// The store cannot answer now.
    #[error("store is unavailable")]
    Unavailable(#[source] StoreError),
}

impl EngineError {
    /// Says that the policy was another one each time it was tried.
    pub(super) fn outrun() -> Self {
        Self::Conflict("the policy keeps changing: try again".to_owned())
    }
}

impl From<Invalid> for EngineError {
    fn from(invalid: Invalid) -> Self {
        Self::BadInput(invalid.to_string())
    }
}

impl From<Overflow> for EngineError {
    fn from(overflow: Overflow) -> Self {
        Self::BadInput(overflow.to_string())
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(text) => Self::Conflict(text),
            StoreError::Overflow(overflow) => overflow.into(),
            StoreError::Unavailable { .. }
            | StoreError::Corrupt(_)
            | StoreError::Misconfigured(_) => Self::Unavailable(error),
        }
    }
}
