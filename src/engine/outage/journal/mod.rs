//! The journal: what cannot be brought into the books now, in a file, until it is.
//!
//! Each entry is a line with its length and a checksum, on disk before anybody is told. A line
//! that was torn off by a crash is cut away; whoever wrote it was not told. One process at a time
//! has the file, by a lock on it.

mod entry;
mod file;
mod reading;
mod shelf;

pub(in crate::engine) use entry::{Entry, Noted};
pub(super) use file::Journal;
pub(in crate::engine) use shelf::Shelf;

use std::io;
use std::path::PathBuf;

/// Why something is not in the journal.
#[derive(Debug, thiserror::Error)]
pub(in crate::engine) enum JournalError {
    /// There is none.
    #[error("no journal is kept")]
    None,
    /// It is another process's.
    #[error("journal {} is used by another process", .0.display())]
    Locked(PathBuf),
    /// It cannot be read or written.
    #[error("journal {} cannot be used", path.display())]
    Io {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// More wait to be written than are let in.
    #[error("too many entries wait for the journal")]
    Full,
}

#[cfg(test)]
mod tests;
