//! HoldId: which reservation.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

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

    /// Returns the id that belongs to `name`, always the same one.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let mut bytes = [0; 16];
        for (byte, hashed) in bytes.iter_mut().zip(Sha256::digest(name)) {
            *byte = hashed;
        }
        // Version 8 (RFC 9562 §5.8): made by a rule of our own.
        Self(uuid::Builder::from_bytes(bytes).with_version(uuid::Version::Custom).into_uuid())
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl Serialize for HoldId {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl FromStr for HoldId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let id = uuid::Uuid::try_parse(text);
        id.map(Self).map_err(|_| Invalid::new(format!("\"{text}\" is not the id of a reservation")))
    }
}
