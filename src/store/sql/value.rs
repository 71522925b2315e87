//! Value: what stands in a column, and how a word becomes one.

use std::borrow::Cow;

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A number, or whether something is so.
    Int(i64),
    /// A text.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(Cow<'a, [u8]>),
}

/// What is none of the words that should stand in a column.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::store) struct Unreadable(pub(super) String);

impl Unreadable {
    pub(super) fn other(kind: &str) -> Self {
        Self(format!("a column does not hold a {kind}"))
    }
}

/// A word that can stand in a column.
pub(in crate::store) trait IntoColumn {
    fn column(&self) -> Value<'_>;
}

/// A word that can be read from a column.
pub(in crate::store) trait FromColumn: Sized {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable>;
}

/// Makes the values of a statement of words.
macro_rules! values {
    ($($word:expr),* $(,)?) => {
        &[$($crate::store::sql::value::IntoColumn::column(&$word)),*]
    };
}
pub(in crate::store) use values;

impl<'a> Value<'a> {
    pub(in crate::store) const fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Returns the same, for as long as one likes.
    #[cfg(feature = "postgres")]
    pub(in crate::store) fn kept(&self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::Text(Cow::Owned(text.as_ref().to_owned())),
            Self::Blob(bytes) => Value::Blob(Cow::Owned(bytes.as_ref().to_owned())),
        }
    }

    /// Returns the number it is.
    pub(super) fn int(&self) -> Result<i64, Unreadable> {
        match self {
            Self::Int(number) => Ok(*number),
            Self::Null | Self::Text(_) | Self::Blob(_) => Err(Unreadable::other("number")),
        }
    }

    /// Returns the text it is.
    pub(super) fn str(&self) -> Result<&str, Unreadable> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Null | Self::Int(_) | Self::Blob(_) => Err(Unreadable::other("text")),
        }
    }
}

impl<T: IntoColumn + ?Sized> IntoColumn for &T {
    fn column(&self) -> Value<'_> {
        (**self).column()
    }
}

impl<T: IntoColumn> IntoColumn for Option<T> {
    fn column(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, IntoColumn::column)
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        match value {
            Value::Null => Ok(None),
            there => T::from_column(there).map(Some),
        }
    }
}

impl IntoColumn for i64 {
    fn column(&self) -> Value<'_> {
        Value::Int(*self)
    }
}

impl FromColumn for i64 {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        value.int()
    }
}

impl IntoColumn for bool {
    fn column(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }
}

impl FromColumn for bool {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        Ok(value.int()? != 0)
    }
}

impl IntoColumn for str {
    fn column(&self) -> Value<'_> {
        Value::text(self)
    }
}

impl IntoColumn for std::sync::Arc<str> {
    fn column(&self) -> Value<'_> {
        Value::text(self)
    }
}

impl FromColumn for std::sync::Arc<str> {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        value.str().map(Into::into)
    }
}

impl IntoColumn for String {
    fn column(&self) -> Value<'_> {
        Value::text(self)
    }
}

impl FromColumn for String {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        match value {
            Value::Text(text) => Ok(text.into_owned()),
            Value::Null | Value::Int(_) | Value::Blob(_) => Err(Unreadable::other("text")),
        }
    }
}

impl IntoColumn for Vec<u8> {
    fn column(&self) -> Value<'_> {
        Value::Blob(Cow::Borrowed(self))
    }
}

impl FromColumn for Vec<u8> {
    fn from_column(value: Value<'_>) -> Result<Self, Unreadable> {
        match value {
            Value::Blob(bytes) => Ok(bytes.into_owned()),
            Value::Null | Value::Int(_) | Value::Text(_) => Err(Unreadable::other("fingerprint")),
        }
    }
}
