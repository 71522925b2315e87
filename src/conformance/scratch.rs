//! Scratch: where books are made for one clause, apart from any others, and taken away after.

use std::sync::Arc;

use async_trait::async_trait;

use crate::store::{Store, StoreError};

/// A place for books that nobody needs.
#[async_trait]
pub trait Scratch: Send + Sync {
    /// Returns new, empty books, which share nothing with any others.
    ///
    /// # Errors
    /// If there is no place for them.
    async fn books(&self) -> Result<Arc<dyn Books>, StoreError>;

    /// Returns whether books outlive their handles, and several handles may be on them at once.
    /// If not, [`Books::open`] returns the same handle again and again.
    fn is_lasting(&self) -> bool;

    /// Returns whether the store sees at once that a handle is gone, from a lock that goes with it,
    /// and so believes its instances alive as long as it is there.
    fn knows_the_living(&self) -> bool {
        false
    }

    /// Returns how many sequences of calls by chance are tried: some thousand calls each, so fewer
    /// where each is a way to another machine.
    fn sequences(&self) -> u32 {
        64
    }
}

/// The books of one clause.
#[async_trait]
pub trait Books: Send + Sync {
    /// Opens a handle on them, as a process of its own would.
    ///
    /// # Errors
    /// If they cannot be opened.
    fn open(&self) -> Result<Arc<dyn Store>, StoreError>;

    /// Takes all of it away; every handle is closed by then.
    ///
    /// # Errors
    /// If something of it stays.
    async fn erase(&self) -> Result<(), StoreError>;
}
