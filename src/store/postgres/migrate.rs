//! Migrate: whose tables these are, and their way to the present schema.

use super::address::Schema;
use super::driver::{Driver, Pace};
use super::names::key;
use super::session::Session;
use crate::store::StoreError;
use crate::store::sql::value::values;

/// The steps to the present schema; step n leads from schema n to n + 1.
const STEPS: [&str; 1] = [include_str!("schema.sql")];

/// How many steps there are.
pub(super) const KNOWN: i64 = 1;

/// Sees to it that the tables are there and are ours; blocks meanwhile.
pub(super) fn check(session: Session, schema: &Schema) -> Result<Session, StoreError> {
    let driver = Driver::of(session, Pace::Careful);
    if found(&driver, schema)? < KNOWN {
        migrate(&driver, schema)?;
    }
    Ok(driver.session)
}

/// Returns how many steps the tables have behind them; refuses those that are not ours to write.
fn found(driver: &Driver, schema: &Schema) -> Result<i64, StoreError> {
    let tables =
        "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE nspname = ?1 AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')";
    let name = schema.as_str();
    if driver.number(tables, values![name])? == 0 {
        return Ok(0);
    }
    let ours = "SELECT count(*) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname = ?1 AND relname = 'book' AND attname IN ('format', 'turn')
                AND NOT attisdropped";
    if driver.number(ours, values![name])? != 2 {
        return Err(StoreError::Corrupt(format!(
            "the schema \"{name}\" belongs to another application: name another one by ?schema=NAME"
        )));
    }
    let found = driver.number("SELECT coalesce(max(format), 0) FROM book", &[])?;
    if found > KNOWN {
        return Err(StoreError::Corrupt(format!(
            "the schema \"{name}\" was written by a newer metergate (schema {found}, this one knows \
             {KNOWN}): run that version, or name another one by ?schema=NAME"
        )));
    }
    Ok(found)
}

/// Takes the steps that are missing, all in one transaction, one process at a time.
fn migrate(driver: &Driver, schema: &Schema) -> Result<(), StoreError> {
    let session = &driver.session;
    let run = |statements: &str| session.wait(session.client.batch_execute(statements));
    // Others may be making tables, or filling them.
    run("BEGIN; SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = 0")?;
    session.wait(
        session
            .client
            .batch_execute(&format!("SELECT pg_advisory_xact_lock({})", key(&[schema.as_str()]))),
    )?;
    let encoded = "SELECT count(*) FROM pg_database
                   WHERE datname = current_database() AND pg_encoding_to_char(encoding) = 'UTF8'";
    if driver.number(encoded, &[])? == 0 {
        return Err(StoreError::unavailable(
            "the database cannot keep every name",
            "it is not encoded in UTF-8: create one with ENCODING 'UTF8'",
        ));
    }
    let there = "SELECT count(*) FROM pg_namespace WHERE nspname = ?1";
    if driver.number(there, values![schema.as_str()])? == 0 {
        run(&format!("CREATE SCHEMA {}", schema.quoted()))?;
    }
    // Asked again: another process may have been first.
    let done = usize::try_from(found(driver, schema)?).unwrap_or(usize::MAX);
    for statements in STEPS.iter().skip(done) {
        run(statements)?;
    }
    driver.session.wait(
        driver.session.client.batch_execute(&format!("UPDATE book SET format = {KNOWN}; COMMIT")),
    )
}
