//! Driver: statements and rows as PostgreSQL has them.

use std::borrow::Cow;
use std::cell::Cell;
use std::error::Error;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::pin;

use bytes::BytesMut;
use futures_core::Stream;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::session::Session;
use crate::store::StoreError;
use crate::store::sql::db::{Db, LateIndex, Row, Take};
use crate::store::sql::value::Value;

/// How a statement ends that adds a row unless there is one of its id.
const UNLESS_THERE: &str = " ON CONFLICT (id) DO NOTHING";

/// What a session does with what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Sends it, and looks at what became of it later.
    Swift,
    /// Waits for each.
    Careful,
}

/// A session inside a transaction, as the books use it.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) session: Session,
    pub(super) pace: Pace,
    /// Something was written since this was last set to false.
    pub(super) has_written: Cell<bool>,
}

impl Driver {
    pub(super) const fn of(session: Session, pace: Pace) -> Self {
        Self { session, pace, has_written: Cell::new(false) }
    }

    /// Returns what `work` makes of the first column of the one row of a query.
    pub(super) fn number(&self, query: &str, values: &[Value<'_>]) -> Result<i64, StoreError> {
        let db: &dyn Db = self;
        db.sure(query, values, |row| row.get(0))
    }
}

impl Db for Driver {
    fn write(&self, statement: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
        if self.pace == Pace::Careful {
            return self.change(statement, values).map(drop);
        }
        sendable(values)?;
        self.has_written.set(true);
        let statement = self.session.prepared(statement)?;
        let values: Vec<Value<'static>> = values.iter().map(Value::kept).collect();
        let client = self.session.client.clone();
        self.session.send(async move { client.execute_raw(&statement, values).await })
    }

    fn change(&self, statement: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        sendable(values)?;
        self.has_written.set(true);
        let statement = self.session.prepared(statement)?;
        let rows = self.session.wait(self.session.client.execute_raw(&statement, values))?;
        Ok(usize::try_from(rows).unwrap_or(usize::MAX))
    }

    /// Swiftly, nearly every row is new: one that is there breaks the transaction, which is then
    /// done again, carefully.
    fn add(&self, statement: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        match self.pace {
            Pace::Careful => Ok(self.change(statement, values)? > 0),
            Pace::Swift => {
                let bare = statement.strip_suffix(UNLESS_THERE).unwrap_or(statement);
                self.write(bare, values).map(|()| true)
            }
        }
    }

    fn query(
        &self,
        query: &str,
        values: &[Value<'_>],
        take: &mut Take<'_>,
    ) -> Result<(), StoreError> {
        sendable(values)?;
        let query = self.session.prepared(query)?;
        self.session.wait(async {
            let mut rows = pin!(self.session.client.query_raw(&query, values).await?);
            let mut taken = Ok(ControlFlow::Continue(()));
            // To the end, though nobody takes any more: what fails there fails the transaction.
            while let Some(row) = poll_fn(|context| rows.as_mut().poll_next(context)).await {
                let row = row?;
                if matches!(taken, Ok(ControlFlow::Continue(()))) {
                    taken = take(&row);
                }
            }
            Ok(taken.map(drop))
        })?
    }

    /// All indexes are made with the tables: to make one later, in a transaction that all others
    /// wait for, would cost more than to keep it.
    fn index(&self, _: LateIndex) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Refuses what PostgreSQL has no way to keep.
fn sendable(values: &[Value<'_>]) -> Result<(), StoreError> {
    let has_nul = |value: &Value<'_>| match value {
        Value::Text(text) => text.as_bytes().contains(&0),
        Value::Null | Value::Int(_) | Value::Blob(_) => false,
    };
    if values.iter().any(has_nul) {
        let text = "a name holds a NUL character, which PostgreSQL cannot keep: leave it out";
        return Err(StoreError::Conflict(text.to_owned()));
    }
    Ok(())
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) if *kind == Type::BOOL => (*number != 0).to_sql(kind, out),
            Self::Int(number) if *kind == Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.as_ref().to_sql(kind, out),
            Self::Blob(bytes) => bytes.as_ref().to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::BOOL | Type::INT4 | Type::INT8 | Type::BYTEA)
            || <&str as ToSql>::accepts(kind)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *kind {
            Type::BOOL => Self::Int(bool::from_sql(kind, raw)?.into()),
            Type::INT4 => Self::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::BYTEA => Self::Blob(Cow::Borrowed(raw)),
            _ => Self::Text(Cow::Borrowed(<&str>::from_sql(kind, raw)?)),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        <Self as ToSql>::accepts(kind)
    }
}

impl Row for tokio_postgres::Row {
    fn value(&self, column: usize) -> Result<Value<'_>, StoreError> {
        self.try_get(column).map_err(|error| {
            let why = super::fault::cause(&error);
            StoreError::Corrupt(format!("the database holds what cannot be read: {why}"))
        })
    }
}
