//! The SQLite store: one file, write-ahead log, one writer thread, readers beside it.
//!
//! Several processes may share the file: a running server and the command line. Each call that
//! writes is an immediate transaction, so what it reads is still so when it writes. What the
//! tables say is in `store/sql`; here is what only a file knows.

mod driver;
mod engine;
mod examine;
mod fault;
mod file;
mod locks;
mod migrate;
mod pen;

use std::path::Path;
use std::sync::Arc;

use self::engine::OneFile;
use self::pen::FilePen;
use super::StoreError;
use super::sql::Books;

/// Books in one file. Dropped, it finishes the calls that wait.
pub type Sqlite = Books<OneFile>;

impl Sqlite {
    /// Opens the database in `file`, making it if it is not there. Blocks while it does.
    ///
    /// # Errors
    /// Unavailable if the file cannot be made, read or written; corrupt if it is no database, or
    /// one of another application or of a newer metergate.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let whole = file::whole(file)?;
        let db = file::for_writing(&whole)?;
        let engine = Arc::new(OneFile::of(file, whole));
        Self::start("metergate-sqlite", engine, FilePen::of(db))
    }
}

#[cfg(test)]
mod tests;
