//! Instances: which processes live, by their sign of life and by a locked file each.
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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::open;
use super::step::Step;
use crate::clock::Timestamp;
use crate::quota::held::{Instance, State};
use crate::store::{INSTANCE_LEASE, StoreError};

/// How old the sign of life may be when an instance reserves.
const RENEWED: Duration = Duration::from_secs(3);

/// The instances that joined through this store, each with its locked file. Closing the file, as
/// the end of the process does, unlocks it.
#[derive(Clone, Debug)]
pub(super) struct Own(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: PathBuf,
    joined: Mutex<HashMap<Instance, File>>,
}

impl Own {
    pub(super) fn of(database: &Path) -> Self {
        Self(Arc::new(Inner { database: database.to_owned(), joined: Mutex::default() }))
    }

    pub(super) fn has(&self, instance: &Instance) -> bool {
        self.joined().contains_key(instance)
    }

    pub(super) fn keep(&self, instance: Instance, lock: File) {
        self.joined().insert(instance, lock);
    }

    pub(super) fn forget(&self, instance: &Instance) {
        self.joined().remove(instance);
    }

    fn joined(&self) -> MutexGuard<'_, HashMap<Instance, File>> {
        self.0.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the path of an instance's lock; a byte that is no good in a name becomes `%XX`.
    fn lock_of(&self, instance: &Instance) -> PathBuf {
        let mut path = self.0.database.clone().into_os_string();
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

/// Makes `instance` known as alive, and ends the reservations of those proven dead.
///
/// Returns how many reservations ended, and the lock to keep, unless it is kept already.
pub(super) fn join(
    step: &mut Step<'_>,
    instance: &Instance,
    now: Timestamp,
) -> Result<(usize, Option<File>), StoreError> {
    let mut ended = 0;
    let lock = if step.own.has(instance) {
        None
    } else {
        let path = step.own.lock_of(instance);
        let found = sign(&path)?;
        let lock = match found {
            Sign::Dead(lock) => {
                ended += open::end_all_of(step, instance, State::Lapsed, now)?;
                lock
            }
            Sign::Nothing => match new_lock(&path)? {
                Sign::Dead(lock) => lock,
                Sign::Alive | Sign::Nothing => return taken(instance),
            },
            Sign::Alive => return taken(instance),
        };
        Some(lock)
    };
    beat(step, instance, now)?;
    for (other, seen) in others(step, instance)? {
        let path = step.own.lock_of(&other);
        let _lock = match sign(&path)? {
            Sign::Dead(lock) => Some(lock),
            // Never joined, or its file was not copied along: the lease alone counts.
            Sign::Nothing if seen.after(INSTANCE_LEASE) <= now => None,
            Sign::Nothing | Sign::Alive => continue,
        };
        ended += open::end_all_of(step, &other, State::Lapsed, now)?;
        remove(step, &other)?;
        // A file that stays behind only costs its name.
        drop(std::fs::remove_file(path));
    }
    Ok((ended, lock))
}

fn taken<T>(instance: &Instance) -> Result<T, StoreError> {
    let text = format!(
        "instance \"{}\" is already running on this database: give each its own name",
        instance.as_str()
    );
    Err(StoreError::Conflict(text))
}

fn others(step: &Step<'_>, instance: &Instance) -> rusqlite::Result<Vec<(Instance, Timestamp)>> {
    let mut query = step.db.prepare_cached("SELECT id, seen_ms FROM instance WHERE id <> ?1")?;
    let rows = query.query_map(params![instance], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let others: Vec<(Instance, Timestamp)> = rows.collect::<Result<_, _>>()?;
    Ok(others.into_iter().filter(|(other, _)| !step.own.has(other)).collect())
}

/// Says that `instance` is gone for good. Its lock is forgotten by the caller, after the commit.
pub(super) fn leave(
    step: &mut Step<'_>,
    instance: &Instance,
    now: Timestamp,
) -> Result<(), StoreError> {
    open::end_all_of(step, instance, State::Released, now)?;
    remove(step, instance)?;
    if step.own.has(instance) {
        drop(std::fs::remove_file(step.own.lock_of(instance)));
    }
    Ok(())
}

fn remove(step: &mut Step<'_>, instance: &Instance) -> rusqlite::Result<()> {
    step.known.forget_seen(instance);
    step.db
        .prepare_cached("DELETE FROM instance WHERE id = ?1")?
        .execute(params![instance])
        .map(|_| ())
}

/// Renews the sign of life of `instance`.
pub(super) fn beat(
    step: &mut Step<'_>,
    instance: &Instance,
    now: Timestamp,
) -> Result<(), StoreError> {
    step.db
        .prepare_cached(
            "INSERT INTO instance (id, seen_ms) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms",
        )?
        .execute(params![instance, now])?;
    step.known.remember_seen(instance, now);
    Ok(())
}

/// Renews the sign of life of `instance`, unless it gave one just now.
pub(super) fn sign_of_life(
    step: &mut Step<'_>,
    instance: &Instance,
    now: Timestamp,
) -> Result<(), StoreError> {
    match step.seen(instance)? {
        Some(seen) if seen <= now && now < seen.after(RENEWED) => Ok(()),
        _ => beat(step, instance, now),
    }
}

/// Returns the latest sign of life of `instance`, if it is known.
pub(super) fn seen(db: &Connection, instance: &Instance) -> rusqlite::Result<Option<Timestamp>> {
    db.prepare_cached("SELECT seen_ms FROM instance WHERE id = ?1")?
        .query_row(params![instance], |row| row.get(0))
        .optional()
}
