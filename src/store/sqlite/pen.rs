//! FilePen: the connection that writes, one immediate transaction at a time.

use std::time::Duration;

use rusqlite::Connection;

use super::driver::execute;
use crate::store::StoreError;
use crate::store::sql::db::Db;
use crate::store::sql::engine::{Lost, Others, Pen, Survives};

/// The one connection of this process that writes.
#[derive(Debug)]
pub struct FilePen {
    db: Connection,
    /// What a commit survives as the connection is set now.
    set: Option<Survives>,
    /// Changes when another connection, of this process or another, has written.
    data_version: Option<i64>,
}

impl FilePen {
    pub(super) const fn of(db: Connection) -> Self {
        Self { db, set: None, data_version: None }
    }

    fn begin(&mut self, survives: Survives) -> rusqlite::Result<Others> {
        if self.set != Some(survives) {
            // In WAL mode FULL syncs the log at every commit, NORMAL only at checkpoints.
            let mode = match survives {
                Survives::Crash => "NORMAL",
                Survives::PowerLoss => "FULL",
            };
            self.set = None;
            self.db.pragma_update(None, "synchronous", mode)?;
            self.set = Some(survives);
        }
        execute(&self.db, "BEGIN IMMEDIATE")?;
        let present =
            self.db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        let is_same = self.data_version.replace(present) == Some(present);
        Ok(if is_same { Others::Nothing } else { Others::Anything })
    }
}

impl Pen for FilePen {
    // A file answers, or says that it does not.
    const FAREWELL: Option<Duration> = None;

    fn db(&self) -> Result<&dyn Db, Lost> {
        Ok(&self.db)
    }

    /// Nothing is ever worth doing again: SQLite waits for others before it begins.
    fn begin(&mut self, survives: Survives, _: bool) -> Result<Others, Lost> {
        Self::begin(self, survives).map_err(lost)
    }

    fn mark(&mut self) -> Result<(), Lost> {
        execute(&self.db, "SAVEPOINT one").map_err(lost)
    }

    fn keep(&mut self) -> Result<(), Lost> {
        execute(&self.db, "RELEASE one").map_err(lost)
    }

    fn take_back(&mut self) -> Result<(), Lost> {
        execute(&self.db, "ROLLBACK TO one").map_err(lost)?;
        self.keep()
    }

    fn commit(&mut self) -> Result<(), Lost> {
        execute(&self.db, "COMMIT").map_err(lost)
    }

    fn abandon(&mut self) {
        if !self.db.is_autocommit() {
            // What cannot be undone now is undone by SQLite when the next BEGIN fails.
            drop(execute(&self.db, "ROLLBACK"));
        }
    }

    fn checkpoint(&mut self) -> Result<(), StoreError> {
        Ok(self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }
}

fn lost(error: rusqlite::Error) -> Lost {
    Lost::Gone(error.into())
}
