//! StoreError: unavailable, conflict, corrupt, misconfigured.

use std::error::Error;

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot answer now; it may later.
    #[error("store is unavailable: {what}")]
    Unavailable {
        /// What could not be done.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was asked contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// What it holds is not what it should hold, or not for this version to read.
    #[error("{0}")]
    Corrupt(String),
    /// It cannot be used as it is set up; somebody has to change what the text says.
    #[error("{0}")]
    Misconfigured(String),
    /// A sum does not fit in 64 bits.
    #[error(transparent)]
    Overflow(#[from] crate::quota::Overflow),
}

impl StoreError {
    /// Returns the error of a `what` that failed because of `source`.
    pub fn unavailable(
        what: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { what, source: source.into() }
    }
}
