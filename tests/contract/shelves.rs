//! Shelves: where books of each kind of store are made; a server is started by the first test that
//! needs it.

use std::sync::Arc;

use metergate::conformance::{Scratch, scratch};
use metergate::store::StorageSpec;
use tempfile::TempDir;

/// A kind of store.
#[derive(Clone, Copy)]
pub(crate) enum Shelf {
    Memory,
    Sqlite,
}

impl Shelf {
    /// Every kind there is.
    pub(crate) const ALL: [Self; 2] = [Self::Memory, Self::Sqlite];

    /// Returns what tests of it are called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
        }
    }

    /// Returns whether its books outlive their handles, as [`Scratch`] has it.
    pub(crate) const fn is_lasting(self) -> bool {
        !matches!(self, Self::Memory)
    }
}

/// What the tests of one run share.
pub(crate) struct Shelves {
    folder: TempDir,
}

impl Default for Shelves {
    fn default() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }
}

impl Shelves {
    /// Returns the place for books of the kind `shelf`.
    pub(crate) fn scratch(&self, shelf: Shelf) -> Arc<dyn Scratch> {
        scratch(&match shelf {
            Shelf::Memory => StorageSpec::Memory,
            Shelf::Sqlite => StorageSpec::Sqlite(self.folder.path().join("metergate.db")),
        })
    }
}
