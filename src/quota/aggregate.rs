//! Aggregate: how the events of a resource add up to its count.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::{Invalid, nearest};

/// How single amounts become one count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// They are added.
    #[default]
    Sum,
    /// The highest counts.
    Max,
    /// The one of the newest moment counts; of two at the same moment the later told.
    Last,
    /// Different members are counted, each once.
    Unique,
}

impl Aggregate {
    /// Every aggregate.
    pub const ALL: [Self; 4] = [Self::Sum, Self::Max, Self::Last, Self::Unique];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Last => "last",
            Self::Unique => "unique",
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Aggregate {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|aggregate| aggregate.name() == text).ok_or_else(|| {
            let hint = nearest(text, Self::ALL.map(Self::name));
            Invalid::new(format!(
                "\"{text}\" is not an aggregate: write sum, max, last or unique{hint}"
            ))
        })
    }
}
