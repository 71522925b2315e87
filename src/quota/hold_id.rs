//! HoldId: which reservation.

use std::fmt;
use std::str::FromStr;

use super::invalid::Invalid;

/// Names a reservation, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HoldId(uuid::Uuid);

impl HoldId {
    /// Returns an id that nobody has.
    #[must_use]
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7())
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl FromStr for HoldId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let id = uuid::Uuid::try_parse(text);
        id.map(Self).map_err(|_| Invalid::new(format!("\"{text}\" is not the id of a reservation")))
    }
}
