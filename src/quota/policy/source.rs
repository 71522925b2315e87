//! Source: where a subject's limits come from.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a subject's limits come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The subject is exempt.
    Exempt,
    /// The subject has an override for this resource.
    Override,
    /// The subject was put in this group.
    Assigned(Arc<str>),
    /// A rule puts the subject in this group.
    Matched(Arc<str>),
    /// Everyone is in this group.
    Default(Arc<str>),
    /// The call brought a limit of its own.
    Call,
    /// No limit is declared for it.
    Nothing,
}

/// `exempt`, `override`, `group free`, `rule bridges`, `default free`, `call`, `none`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exempt => f.write_str("exempt"),
            Self::Override => f.write_str("override"),
            Self::Assigned(group) => write!(f, "group {group}"),
            Self::Matched(group) => write!(f, "rule {group}"),
            Self::Default(group) => write!(f, "default {group}"),
            Self::Call => f.write_str("call"),
            Self::Nothing => f.write_str("none"),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let source = match text.split_once(' ') {
            Some(("group", group)) => Self::Assigned(group.into()),
            Some(("rule", group)) => Self::Matched(group.into()),
            Some(("default", group)) => Self::Default(group.into()),
            _ => match text.as_str() {
                "exempt" => Self::Exempt,
                "override" => Self::Override,
                "call" => Self::Call,
                "none" => Self::Nothing,
                _ => return Err(D::Error::custom(format!("\"{text}\" is no source of a limit"))),
            },
        };
        Ok(source)
    }
}

impl Source {
    /// Returns the group it is about, if it is one.
    #[must_use]
    pub const fn group(&self) -> Option<&Arc<str>> {
        match self {
            Self::Assigned(group) | Self::Matched(group) | Self::Default(group) => Some(group),
            Self::Exempt | Self::Override | Self::Call | Self::Nothing => None,
        }
    }
}
