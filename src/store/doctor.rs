//! Finding: what could make a store lie; each store reports its own.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Good,
    /// Weaker than it could be: to be known, maybe to be changed.
    Warning,
    /// The books may be wrong or be lost: to be mended.
    Fault,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was looked at, in a word or two: `durability`, `eviction`, `clock`, `schema`.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub about: Cow<'static, str>,
    /// What was found, and what to do where it is not good: one sentence.
    pub text: String,
}

impl Finding {
    /// Returns the finding that all is well `about` something.
    pub fn good(about: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Good, about: about.into(), text: text.into() }
    }

    /// Returns the finding of something weaker than it could be.
    pub fn warning(about: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, about: about.into(), text: text.into() }
    }

    /// Returns the finding of something to be mended.
    pub fn fault(about: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Fault, about: about.into(), text: text.into() }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Fault => "fault",
        })
    }
}
