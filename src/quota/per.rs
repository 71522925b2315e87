//! Per: by whom the room of a window is shared.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::{Invalid, nearest};

/// By whom a window is shared.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Each subject has it alone.
    #[default]
    Subject,
    /// All subjects of a group share it: a pool.
    Group,
    /// Everyone shares it.
    Server,
}

impl Per {
    /// Every one, narrowest first.
    pub const ALL: [Self; 3] = [Self::Subject, Self::Group, Self::Server];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Group => "group",
            Self::Server => "server",
        }
    }

    /// Returns the one whose word is `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|per| per.name() == name)
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Per {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::named(text).ok_or_else(|| {
            let hint = nearest(text, Self::ALL.map(Self::name));
            Invalid::new(format!(
                "\"{text}\" does not share a limit: write per subject, per group or per server{hint}"
            ))
        })
    }
}
