//! Columns: how our words stand in them; a text that is none of them is an error of the row.

use super::value::{FromColumn, IntoColumn, Unreadable, Value};
use crate::clock::Timestamp;
use crate::quota::event::Kind;
use crate::quota::held::{HoldId, Instance, State};
use crate::quota::{Aggregate, Amount, Per, PolicyVersion, Resource, Subject};

/// A number of things, or a place among them.
pub(super) struct Count(pub(super) usize);

impl IntoColumn for Count {
    fn column(&self) -> Value<'_> {
        Value::Int(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

/// How the end of a bucket that does not end is written.
const NO_END: i64 = i64::MAX;

/// The end of a bucket.
pub(super) struct End(pub(super) Option<Timestamp>);

impl IntoColumn for End {
    fn column(&self) -> Value<'_> {
        Value::Int(self.0.map_or(NO_END, Timestamp::millis))
    }
}

impl FromColumn for End {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        let millis = value.int()?;
        Ok(Self((millis != NO_END).then(|| Timestamp::from_millis(millis))))
    }
}

impl IntoColumn for Timestamp {
    fn column(&self) -> Value<'_> {
        Value::Int(self.millis())
    }
}

impl FromColumn for Timestamp {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        value.int().map(Self::from_millis)
    }
}

impl IntoColumn for Amount {
    fn column(&self) -> Value<'_> {
        Value::Int(self.get())
    }
}

impl FromColumn for Amount {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        value.int().map(Self::new)
    }
}

impl IntoColumn for PolicyVersion {
    fn column(&self) -> Value<'_> {
        Value::Int(self.0)
    }
}

impl FromColumn for PolicyVersion {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        value.int().map(Self)
    }
}

impl IntoColumn for Subject {
    fn column(&self) -> Value<'_> {
        Value::text(self.as_str())
    }
}

impl FromColumn for Subject {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        value.str()?.parse().map_err(other)
    }
}

impl IntoColumn for Resource {
    fn column(&self) -> Value<'_> {
        Value::text(self.as_str())
    }
}

impl FromColumn for Resource {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        value.str()?.parse().map_err(other)
    }
}

impl IntoColumn for HoldId {
    fn column(&self) -> Value<'_> {
        Value::Text(self.to_string().into())
    }
}

impl FromColumn for HoldId {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        value.str()?.parse().map_err(other)
    }
}

impl IntoColumn for Instance {
    fn column(&self) -> Value<'_> {
        Value::text(self.as_str())
    }
}

impl FromColumn for Instance {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        value.str().map(Self::named)
    }
}

impl IntoColumn for State {
    fn column(&self) -> Value<'_> {
        Value::text(self.name())
    }
}

impl FromColumn for State {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        let name = value.str()?;
        Self::named(name).ok_or_else(|| unknown("state of a reservation", name))
    }
}

impl IntoColumn for Kind {
    fn column(&self) -> Value<'_> {
        Value::text(self.name())
    }
}

impl FromColumn for Kind {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        let name = value.str()?;
        Self::named(name).ok_or_else(|| unknown("kind of event", name))
    }
}

impl IntoColumn for Per {
    fn column(&self) -> Value<'_> {
        Value::text(self.name())
    }
}

impl FromColumn for Per {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        let name = value.str()?;
        Self::named(name).ok_or_else(|| unknown("way to share a limit", name))
    }
}

impl IntoColumn for Aggregate {
    fn column(&self) -> Value<'_> {
        Value::text(self.name())
    }
}

impl FromColumn for Aggregate {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        value.str()?.parse().map_err(other)
    }
}

/// The id of a line or a notice.
pub(super) struct Id(pub(super) u64);

impl IntoColumn for Id {
    fn column(&self) -> Value<'_> {
        Value::Int(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

impl FromColumn for Id {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        let id = value.int()?;
        u64::try_from(id).map(Self).map_err(|_| Unreadable(format!("{id} is not an id")))
    }
}

fn unknown(what: &str, name: &str) -> Unreadable {
    Unreadable(format!("\"{name}\" is not a {what}"))
}

fn other(error: impl std::fmt::Display) -> Unreadable {
    Unreadable(error.to_string())
}
