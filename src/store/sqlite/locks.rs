//! Locks: the instances of this process, by a locked file each, and what that proves of others.
//!
//! A process that joined keeps `FILE-instance-ID` locked until it leaves or ends, so a lock that
//! can be had proves that the owner is dead, and one that cannot proves nothing: a process that
//! stands still (SIGSTOP) is left to the lease. All locking but the end of a process is done
//! inside the write transaction, so no two processes look at the same file at once.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::quota::held::Instance;
use crate::store::StoreError;
use crate::store::sql::engine::Lock;

/// The instances that joined through this store, each with its locked file. Closing the file, as
/// the end of the process does, unlocks it.
#[derive(Debug)]
pub(super) struct Locks {
    database: PathBuf,
    joined: Mutex<HashMap<Instance, Lock>>,
}

impl Locks {
    pub(super) fn of(database: &Path) -> Self {
        Self { database: database.to_owned(), joined: Mutex::default() }
    }

    pub(super) fn has(&self, instance: &Instance) -> bool {
        self.joined().contains_key(instance)
    }

    pub(super) fn keep(&self, instance: Instance, lock: Lock) {
        self.joined().insert(instance, lock);
    }

    pub(super) fn forget(&self, instance: &Instance) {
        self.joined().remove(instance);
    }

    /// Locks the file of `instance`, made if there is none; none if a process has it.
    pub(super) fn claim(&self, instance: &Instance) -> Result<Option<Lock>, StoreError> {
        let path = self.lock_of(instance);
        let sign = match sign(&path)? {
            Sign::Nothing => new_lock(&path)?,
            sign => sign,
        };
        Ok(match sign {
            Sign::Dead(lock) => Some(Box::new(lock)),
            Sign::Alive | Sign::Nothing => None,
        })
    }

    pub(super) fn is_dead(
        &self,
        other: &Instance,
        is_stale: bool,
    ) -> Result<Option<Lock>, StoreError> {
        Ok(match sign(&self.lock_of(other))? {
            Sign::Dead(lock) => Some(Box::new(lock)),
            // Never joined, or its file was not copied along: the lease alone counts.
            Sign::Nothing if is_stale => Some(Box::new(())),
            Sign::Nothing | Sign::Alive => None,
        })
    }

    /// Removes the file of `instance`. One that stays behind only costs its name.
    pub(super) fn bury(&self, instance: &Instance) {
        drop(std::fs::remove_file(self.lock_of(instance)));
    }

    fn joined(&self) -> MutexGuard<'_, HashMap<Instance, Lock>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the path of an instance's lock; a byte that is no good in a name becomes `%XX`.
    fn lock_of(&self, instance: &Instance) -> PathBuf {
        let mut path = self.database.clone().into_os_string();
        let mut name = String::from("-instance-");
        for byte in instance.as_str().bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
                name.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(name, "%{byte:02X}");
            }
        }
        path.push(name);
        PathBuf::from(path)
    }
}

/// What a lock file tells of its instance.
enum Sign {
    /// Its process is gone: here is the lock it let go.
    Dead(File),
    /// Its process is there.
    Alive,
    /// There is no file.
    Nothing,
}

fn sign(path: &Path) -> Result<Sign, StoreError> {
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => locked(file),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Sign::Nothing),
        Err(error) => Err(no_lock(error)),
    }
}

fn locked(file: File) -> Result<Sign, StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(Sign::Dead(file)),
        Err(TryLockError::WouldBlock) => Ok(Sign::Alive),
        Err(TryLockError::Error(error)) => Err(no_lock(error)),
    }
}

fn no_lock(error: std::io::Error) -> StoreError {
    StoreError::unavailable(
        "the lock file of an instance, beside the database, cannot be used",
        error,
    )
}

fn new_lock(path: &Path) -> Result<Sign, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    locked(options.open(path).map_err(no_lock)?)
}
