//! Driver: statements and rows as SQLite has them.

use std::borrow::Cow;
use std::ops::ControlFlow;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};

use crate::store::StoreError;
use crate::store::sql::db::{Db, LateIndex, Row, Take};
use crate::store::sql::value::Value;

impl Db for Connection {
    fn write(&self, statement: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
        self.change(statement, values).map(drop)
    }

    fn change(&self, statement: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        Ok(bound(self, statement, values)?.raw_execute()?)
    }

    fn add(&self, statement: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        Ok(self.change(statement, values)? > 0)
    }

    fn query(
        &self,
        query: &str,
        values: &[Value<'_>],
        take: &mut Take<'_>,
    ) -> Result<(), StoreError> {
        let mut query = bound(self, query, values)?;
        let mut rows = query.raw_query();
        while let Some(row) = rows.next()? {
            if take(row)? == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn index(&self, late: LateIndex) -> Result<(), StoreError> {
        Ok(self.execute_batch(match late {
            LateIndex::LinesByGroup => include_str!("groups.sql"),
            LateIndex::PartsByStart => include_str!("parts.sql"),
        })?)
    }
}

/// Does a statement that has no values.
pub(super) fn execute(db: &Connection, statement: &str) -> rusqlite::Result<()> {
    db.prepare_cached(statement)?.execute([]).map(drop)
}

fn bound<'a>(
    db: &'a Connection,
    statement: &str,
    values: &[Value<'_>],
) -> rusqlite::Result<CachedStatement<'a>> {
    let mut statement = db.prepare_cached(statement)?;
    for (place, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(place + 1, value)?;
    }
    Ok(statement)
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Row for rusqlite::Row<'_> {
    fn value(&self, column: usize) -> Result<Value<'_>, StoreError> {
        Ok(match self.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Text(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(unreadable)?;
                Value::Text(Cow::Borrowed(text))
            }
            ValueRef::Blob(bytes) => Value::Blob(Cow::Borrowed(bytes)),
            ValueRef::Real(_) => return Err(unreadable("a column holds a fraction")),
        })
    }
}

fn unreadable(why: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("the database holds what cannot be read: {why}"))
}
