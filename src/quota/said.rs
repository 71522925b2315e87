//! Said: an amount as callers write it, before it is known in what it is measured.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use super::invalid::Invalid;
use super::{Amount, Measure};

/// An amount as it is said: base units, or text such as `"500MB"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A number of base units.
    Units(Amount),
    /// Text, which a [`Measure`] reads.
    Text(String),
}

impl Said {
    /// Returns how much it is of what is counted by `measure`.
    ///
    /// # Errors
    /// A fragment that says what would be right.
    pub fn read(&self, measure: &Measure) -> Result<Amount, Invalid> {
        match self {
            Self::Units(units) => Ok(*units),
            Self::Text(text) => measure.parse(text),
        }
    }
}

impl Default for Said {
    fn default() -> Self {
        Self::Units(Amount::ZERO)
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Units(units) => units.serialize(out),
            Self::Text(text) => text.serialize(out),
        }
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Amounts)
    }
}

struct Amounts;

impl Visitor<'_> for Amounts {
    type Value = Said;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount, like 500000000 or \"500MB\"")
    }

    fn visit_i64<E>(self, units: i64) -> Result<Said, E> {
        Ok(Said::Units(Amount::new(units)))
    }

    fn visit_u64<E: Error>(self, units: u64) -> Result<Said, E> {
        Amount::try_from(units).map(Said::Units).map_err(E::custom)
    }

    fn visit_str<E>(self, text: &str) -> Result<Said, E> {
        Ok(Said::Text(text.to_owned()))
    }
}
