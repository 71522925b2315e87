//! Migrate: whose database a file is, and its way to the present schema.

use std::path::Path;

use rusqlite::{Connection, Error, ErrorCode, TransactionBehavior};

use crate::store::StoreError;

/// Marks a file as ours: "MGTE", at byte 68 of the file (SQLite file format, section 1.3.10).
const APPLICATION_ID: i32 = 0x4D47_5445;

/// The steps to the present schema; step n leads from schema n to n + 1.
const STEPS: [&str; 2] = [include_str!("schema.sql"), include_str!("schema-2.sql")];

/// Returns the present schema.
pub(super) const fn newest() -> usize {
    STEPS.len()
}

/// Refuses a file that is not ours to write. Changes nothing.
pub(super) fn identify(db: &Connection, file: &Path) -> Result<(), StoreError> {
    let foreign = || {
        let file = file.display();
        StoreError::Corrupt(format!("{file} belongs to another application: name another file"))
    };
    let (id, tables) = identity(db).map_err(|error| not_ours(error, file))?;
    match id {
        APPLICATION_ID => schema(db, file).map(|_| ()),
        0 if tables == 0 => Ok(()),
        _ => Err(foreign()),
    }
}

/// Both in one view: another process may be making the tables and the mark just now.
fn identity(db: &Connection) -> rusqlite::Result<(i32, i64)> {
    let view = db.unchecked_transaction()?;
    let id = view.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables = view.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    view.finish()?;
    Ok((id, tables))
}

fn not_ours(error: Error, file: &Path) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Corrupt(format!(
            "{} is not a database: name another file, or move this one away",
            file.display()
        )),
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt(format!(
            "{} is damaged: restore it from a backup, or move it away",
            file.display()
        )),
        _ => error.into(),
    }
}

/// Returns how many steps the file has behind it.
fn schema(db: &Connection, file: &Path) -> Result<usize, StoreError> {
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(found).ok().filter(|found| *found <= STEPS.len()).ok_or_else(|| {
        StoreError::Corrupt(format!(
            "{} was written by a newer metergate (schema {found}, this one knows {}): \
                 run that version, or name another file",
            file.display(),
            STEPS.len()
        ))
    })
}

/// Takes the steps that are missing, each in a transaction of its own.
pub(super) fn migrate(db: &mut Connection, file: &Path) -> Result<(), StoreError> {
    while schema(db, file)? < STEPS.len() {
        let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Asked again: another process may have been first.
        let done = schema(&step, file)?;
        if let Some(statements) = STEPS.get(done) {
            step.execute_batch(statements)?;
            step.pragma_update(None, "application_id", APPLICATION_ID)?;
            step.pragma_update(None, "user_version", i64::try_from(done + 1).unwrap_or(i64::MAX))?;
        }
        step.commit()?;
    }
    Ok(())
}
