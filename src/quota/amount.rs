//! Amount: how much, exact and checked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signed number of base units (bytes, or a count). Arithmetic never wraps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Amount(i64);

/// A sum that does not fit in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("amount is too large: the most that can be counted is {}", i64::MAX)]
pub struct Overflow;

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One base unit.
    pub const ONE: Self = Self(1);
    /// The most that can be counted.
    pub const MAX: Self = Self(i64::MAX);

    /// Returns `units` base units.
    #[must_use]
    pub const fn new(units: i64) -> Self {
        Self(units)
    }

    /// Returns the number of base units.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Returns `self + other`.
    ///
    /// # Errors
    /// [`Overflow`] if that does not fit in 64 bits.
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_add(other.0).map(Self).ok_or(Overflow)
    }

    /// Returns `self - other`.
    ///
    /// # Errors
    /// [`Overflow`] if that does not fit in 64 bits.
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
    }

    /// Returns `self`, or nothing if it is below zero.
    #[must_use]
    pub fn at_least_zero(self) -> Self {
        self.max(Self::ZERO)
    }

    /// Returns true if it is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl TryFrom<u64> for Amount {
    type Error = Overflow;

    fn try_from(units: u64) -> Result<Self, Overflow> {
        i64::try_from(units).map(Self).map_err(|_| Overflow)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_past_64_bits_is_an_error_not_a_wrap() {
        assert_eq!(Amount::MAX.plus(Amount::ONE), Err(Overflow));
        assert_eq!(Amount::new(i64::MIN).minus(Amount::ONE), Err(Overflow));
        assert_eq!(Amount::try_from(u64::MAX), Err(Overflow));
    }
}
