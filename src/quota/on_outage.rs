//! OnOutage: what becomes of an action while the store is out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::{Invalid, nearest};

/// What becomes of an action while the store is out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum OnOutage {
    /// It is refused: nothing happens that is not counted.
    #[default]
    Closed,
    /// It passes, is written into a journal, and charged once the store is back.
    Open,
}

impl OnOutage {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Closed, Self::Open];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
        }
    }
}

impl fmt::Display for OnOutage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for OnOutage {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| {
            let hint = nearest(text, Self::ALL.map(Self::name));
            Invalid::new(format!("\"{text}\" is none of closed, open{hint}"))
        })
    }
}
