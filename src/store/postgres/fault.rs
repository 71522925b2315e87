//! Fault: what went wrong on the server, or on the way → what that means to a caller, and to the
//! connection. Never tells any SQL.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::store::StoreError;

/// What an error means for what is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// The statement failed, and with it the transaction it was in.
    Statement,
    /// Another was in the way: the same may go well right after.
    InTheWay,
    /// The connection is gone, or no good any more.
    Broken,
}

impl Trouble {
    pub(super) fn of(error: &Error) -> Self {
        let Some(told) = error.as_db_error() else {
            return if is_ours(error) { Self::Statement } else { Self::Broken };
        };
        match *told.code() {
            SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::LOCK_NOT_AVAILABLE => Self::InTheWay,
            // What was the primary is one no more.
            SqlState::READ_ONLY_SQL_TRANSACTION => Self::Broken,
            _ if is_fatal(told) => Self::Broken,
            _ => Self::Statement,
        }
    }
}

fn is_fatal(told: &DbError) -> bool {
    matches!(told.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

/// Returns true if a value could not be sent or read, and the connection is as good as before.
fn is_ours(error: &Error) -> bool {
    error.source().is_some_and(|cause| !cause.is::<std::io::Error>()) && !error.is_closed()
}

/// Returns what the caller is told.
pub(super) fn fault(error: &Error) -> StoreError {
    let Some(told) = error.as_db_error() else {
        let what = if is_ours(error) {
            "the database did not do what was asked"
        } else {
            "the connection to the database was lost"
        };
        return StoreError::unavailable(what, cause(error));
    };
    match *told.code() {
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
            StoreError::Corrupt("the database is damaged: restore it from a backup".to_owned())
        }
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN | SqlState::INVALID_SCHEMA_NAME => {
            StoreError::Corrupt(format!(
                "the tables of the database are not what they were made as: {}",
                told.message()
            ))
        }
        SqlState::INVALID_PASSWORD
        | SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        | SqlState::INVALID_CATALOG_NAME
        | SqlState::INSUFFICIENT_PRIVILEGE => StoreError::Misconfigured(format!(
            "PostgreSQL does not let this user in: {}: change the address of the store, or its \
             rights there",
            told.message()
        )),
        _ => StoreError::unavailable(what(told), told.message().to_owned()),
    }
}

fn what(told: &DbError) -> &'static str {
    match *told.code() {
        SqlState::DISK_FULL | SqlState::OUT_OF_MEMORY => "there is no room left for the database",
        SqlState::LOCK_NOT_AVAILABLE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::T_R_SERIALIZATION_FAILURE => "another process keeps the database locked",
        SqlState::READ_ONLY_SQL_TRANSACTION => "the database is read-only",
        SqlState::INSUFFICIENT_PRIVILEGE => "the database lets this user not do what it must",
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "the database does not let this user in"
        }
        SqlState::INVALID_CATALOG_NAME => "there is no such database: create it",
        SqlState::TOO_MANY_CONNECTIONS => {
            "the database has no connection left: raise max_connections"
        }
        SqlState::QUERY_CANCELED => "the database took too long",
        _ if is_fatal(told) => "the connection to the database was lost",
        _ => "the database did not do what was asked",
    }
}

/// Returns the words of the cause, which the driver keeps behind its own.
pub(super) fn cause(error: &Error) -> String {
    match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}
