//! Fault: what went wrong in SQLite → what that means to a caller. Never tells any SQL.

use rusqlite::{Error, ErrorCode};

use crate::store::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match &error {
            Error::FromSqlConversionFailure(_, _, cause) => {
                return Self::Corrupt(format!("the database holds what cannot be read: {cause}"));
            }
            Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..) => {
                return Self::Corrupt(format!("the database holds what cannot be read: {error}"));
            }
            _ => {}
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt("the database file is damaged: restore it from a backup".to_owned())
            }
            code => Self::unavailable(what(code), cause(&error)),
        }
    }
}

fn what(code: Option<ErrorCode>) -> &'static str {
    match code {
        Some(ErrorCode::DiskFull) => "there is no room left for the database",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process keeps the database locked"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "the database is read-only",
        Some(ErrorCode::CannotOpen) => "the database file cannot be opened",
        Some(ErrorCode::SystemIoFailure) => "the database file cannot be read or written",
        _ => "the database did not do what was asked",
    }
}

/// Returns the words of the cause.
pub(super) fn cause(error: &Error) -> String {
    match error {
        // Its own text repeats the statement.
        Error::SqlInputError { msg, .. } => msg.clone(),
        _ => error.to_string(),
    }
}
