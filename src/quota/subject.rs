//! Subject: whose usage.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;

/// Who is charged: a Matrix user id, or any other name. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(Arc<str>);

impl Subject {
    /// The longest name, in bytes; as long as a Matrix user id may be.
    pub const MAX_BYTES: usize = 255;

    /// Returns a name that nobody has and that says nothing of whoever had another before.
    #[must_use]
    pub fn pseudonym() -> Self {
        Self(format!("forgotten-{}", uuid::Uuid::now_v7().simple()).into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Subject {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(Invalid::new(format!(
                "a subject has 1 to {} bytes, like @alice:example.org",
                Self::MAX_BYTES
            )));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Invalid::new("a subject has no spaces and no control characters"));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Subject {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0.as_ref().to_owned()
    }
}
