//! File: opens the database: makes it if it is not there, refuses what is not ours.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::cause;
use super::migrate::{identify, migrate};
use crate::store::StoreError;

/// How often a locked database is tried again: for about four seconds, so that what stands in the
/// way is told before the default of `storage.timeout` ends the wait.
const TRIES: i32 = 800;

/// Statements kept ready per connection; there are about a hundred.
const STATEMENTS: usize = 192;

/// One opening at a time. To make the file it is opened and closed beside SQLite, and closing
/// any descriptor of a file drops all POSIX locks this process has on it
/// (<https://sqlite.org/howtocorrupt.html>, section 2.2).
static OPENING: Mutex<()> = Mutex::new(());

/// Returns the whole path of `file`, so that it stays the same when the directory is changed.
pub(super) fn whole(file: &Path) -> Result<PathBuf, StoreError> {
    if file == Path::new(":memory:") {
        return Err(refused(":memory: is not a file: write memory: for a store that forgets"));
    }
    // By one name only, whatever links lead there: lock files lie beside the file itself.
    if let Ok(real) = file.canonicalize() {
        return Ok(real);
    }
    std::path::absolute(file).map_err(|error| refused(error.to_string()))
}

/// Opens `file` for the one writer, making it if it is not there.
pub(super) fn for_writing(file: &Path) -> Result<Connection, StoreError> {
    let _one_at_a_time = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    make(file)?;
    let mut db = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|error| refused(format!("{}: {}", file.display(), cause(&error))))?;
    identify(&db, file)?;
    if db.is_readonly("main")? {
        return Err(refused(format!(
            "{} may not be written by this user: change its owner, or name another file",
            file.display()
        )));
    }
    write_ahead(&db, file)?;
    // 32 MiB, so that a batch stays in memory until it is committed.
    db.pragma_update(None, "cache_size", -32_768)?;
    db.pragma_update(None, "temp_store", "memory")?;
    // Pages (of 4 KiB) after which the log is carried over into the file, with two syncs: more
    // than SQLite's 1000, so that reservations seldom wait for a disk.
    db.pragma_update(None, "wal_autocheckpoint", 4096)?;
    // A log that has grown under a slow reader is cut back to this, in bytes.
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    migrate(&mut db, file)?;
    Ok(db)
}

/// Opens `file`, which is there, for a reader.
pub(super) fn for_reading(file: &Path) -> Result<Connection, StoreError> {
    Ok(connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

fn refused(why: impl Into<String>) -> StoreError {
    StoreError::unavailable("the database cannot be opened", why.into())
}

/// Makes an empty file that only its owner may read, unless there is one.
fn make(file: &Path) -> Result<(), StoreError> {
    if file.is_dir() {
        let text = format!("{} is a directory: name a file in it", file.display());
        return Err(refused(text));
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let folder = file.parent().unwrap_or(file).display();
    match options.open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(refused(format!(
                "{}: there is no directory {folder}: create it, or name another file",
                file.display()
            )))
        }
        Err(error) => Err(refused(format!(
            "{}: {error}: let this user write in {folder}, or name another file",
            file.display()
        ))),
    }
}

fn connect(file: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let mut db = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_handler(Some(wait))?;
    // Without it every statement with ORDER BY is compiled anew for each value it is asked with.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(db)
}

/// Waits for another process. Short and irregular, so that none of many is always late.
fn wait(tries: i32) -> bool {
    if tries >= TRIES {
        return false;
    }
    std::thread::sleep(Duration::from_micros(fastrand::u64(500..=9_500)));
    true
}

/// Switches to the write-ahead log, so that readers and the writer do not wait for each other.
fn write_ahead(db: &Connection, file: &Path) -> Result<(), StoreError> {
    // SQLite does not ask the busy handler here when two processes make the file at once.
    for tries in 0.. {
        let switched = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match switched {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(_) => break,
            Err(error) => match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
                    if wait(tries) => {}
                _ => {
                    return Err(refused(format!(
                        "{}: {}: let this user write it and in its directory",
                        file.display(),
                        cause(&error)
                    )));
                }
            },
        }
    }
    Err(refused(format!(
        "{}: its file system cannot share memory between processes: name a file on a local disk",
        file.display()
    )))
}
