//! OneFile: what the books know of the file they are in.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::driver::execute;
use super::examine;
use super::file;
use super::locks::Locks;
use super::pen::FilePen;
use crate::clock::Timestamp;
use crate::quota::held::Instance;
use crate::store::sql::db::Db;
use crate::store::sql::engine::{Engine, Glass, Lock, Own};
use crate::store::{Finding, StoreError};

/// A database in a file.
#[derive(Debug)]
pub struct OneFile {
    /// As it was named.
    name: PathBuf,
    whole: PathBuf,
    locks: Locks,
}

impl OneFile {
    pub(super) fn of(name: &Path, whole: PathBuf) -> Self {
        Self { name: name.to_owned(), locks: Locks::of(&whole), whole }
    }
}

impl Engine for OneFile {
    type Pen = FilePen;
    type Glass = Connection;

    // All who share a file share a machine.
    const HAS_CLOCK: bool = false;
    // No two processes may look at the same file at once.
    const CLAIMS_FIRST: bool = false;

    fn glass(&self) -> Result<Connection, StoreError> {
        file::for_reading(&self.whole)
    }

    fn time(&self, _: &mut Connection) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    fn examine(&self, db: &mut Connection, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
        examine::examine(db, &self.whole, now)
    }

    fn describe(&self) -> String {
        format!("sqlite:{}", self.name.display())
    }
}

impl Glass for Connection {
    fn db(&self) -> &dyn Db {
        self
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        Ok(execute(self, "BEGIN DEFERRED")?)
    }

    fn end(&mut self) -> bool {
        self.is_autocommit() || execute(self, "ROLLBACK").is_ok()
    }

    fn is_broken(&self) -> bool {
        false
    }
}

impl Own for OneFile {
    fn has(&self, instance: &Instance) -> bool {
        self.locks.has(instance)
    }

    fn claim(&self, instance: &Instance) -> Result<Option<Lock>, StoreError> {
        self.locks.claim(instance)
    }

    fn keep(&self, instance: Instance, lock: Lock) {
        self.locks.keep(instance, lock);
    }

    fn forget(&self, instance: &Instance) {
        self.locks.forget(instance);
    }

    fn is_dead(&self, other: &Instance, is_stale: bool) -> Result<Option<Lock>, StoreError> {
        self.locks.is_dead(other, is_stale)
    }

    fn bury(&self, instance: &Instance) {
        self.locks.bury(instance);
    }

    /// A file stays locked.
    fn renew(&self, _: &Instance) -> Result<(), StoreError> {
        Ok(())
    }
}
