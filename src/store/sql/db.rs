//! Db: what the books ask of an engine: statements with values, and rows.
//!
//! Statements are in the SQL that both engines understand; their values are `?1`, `?2` and so on.
//! Two marks in them are hints to the planner of SQLite, and nothing to the other: `INDEXED BY` an
//! index, and a `+` right before a column, which then is not looked up by an index.

use std::fmt;
use std::ops::ControlFlow;

use super::value::{FromColumn, Value};
use crate::store::StoreError;

/// What is done with each row of a query, until it says that it is enough.
pub(in crate::store) type Take<'a> =
    dyn FnMut(&dyn Row) -> Result<ControlFlow<()>, StoreError> + 'a;

/// A database inside a transaction.
pub trait Db: fmt::Debug {
    /// Does a statement. What became of it may show only when the transaction ends.
    fn write(&self, statement: &str, values: &[Value<'_>]) -> Result<(), StoreError>;

    /// Does a statement; returns how many rows it changed.
    fn change(&self, statement: &str, values: &[Value<'_>]) -> Result<usize, StoreError>;

    /// Adds a row; false if there is one of that id. The statement ends in
    /// ` ON CONFLICT (id) DO NOTHING`.
    fn add(&self, statement: &str, values: &[Value<'_>]) -> Result<bool, StoreError>;

    /// Hands out the rows of a query, in their order. Who takes them asks nothing of the database
    /// meanwhile.
    fn query(
        &self,
        query: &str,
        values: &[Value<'_>],
        take: &mut Take<'_>,
    ) -> Result<(), StoreError>;

    /// Makes an index that is not needed from the beginning, unless it is there.
    fn index(&self, late: LateIndex) -> Result<(), StoreError>;
}

/// An index that costs every charge something, and that some books never need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateIndex {
    /// Of lines by group, for windows that are shared by one.
    LinesByGroup,
    /// Of parts by their beginning, to throw old ones away.
    PartsByStart,
}

/// A row of a query.
pub trait Row {
    /// Returns what stands in a column, counted from 0.
    fn value(&self, column: usize) -> Result<Value<'_>, StoreError>;
}

impl dyn Row + '_ {
    /// Returns the word that stands in a column.
    pub(in crate::store) fn get<T: FromColumn>(&self, column: usize) -> Result<T, StoreError> {
        let word = T::from_column(self.value(column)?);
        word.map_err(|error| {
            StoreError::Corrupt(format!("the database holds what cannot be read: {error}"))
        })
    }
}

impl dyn Db + '_ {
    /// Returns what `read` makes of the one row there may be.
    pub(in crate::store) fn one<T>(
        &self,
        query: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&dyn Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.query(query, values, &mut |row| {
            found = Some(read(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Returns what `read` makes of the one row there always is.
    pub(in crate::store) fn sure<T>(
        &self,
        query: &str,
        values: &[Value<'_>],
        read: impl FnMut(&dyn Row) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.one(query, values, read)?.ok_or_else(|| {
            StoreError::Corrupt("the database lacks a row that it was made with".to_owned())
        })
    }

    /// Returns what `read` makes of each row.
    pub(in crate::store) fn all<T, C: Default + Extend<T>>(
        &self,
        query: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&dyn Row) -> Result<T, StoreError>,
    ) -> Result<C, StoreError> {
        let mut all = C::default();
        self.each(query, values, |row| {
            all.extend([read(row)?]);
            Ok(())
        })?;
        Ok(all)
    }

    /// Lets `take` look at each row.
    pub(in crate::store) fn each(
        &self,
        query: &str,
        values: &[Value<'_>],
        mut take: impl FnMut(&dyn Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.query(query, values, &mut |row| take(row).map(ControlFlow::Continue))
    }
}
