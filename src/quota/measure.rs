//! Measure: how a resource is counted: how it adds up, in which unit, with how many decimals.

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;
use super::unit::{self, Unit};
use super::{Aggregate, Amount};

/// How a resource is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// How single amounts become one count.
    #[serde(default)]
    pub aggregate: Aggregate,
    /// What it is measured in.
    #[serde(default)]
    pub unit: Unit,
    /// How many decimals an amount may have: with one, `47.5` is 475 base units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub decimals: u8,
}

/// As many decimals as there may be.
pub const MOST_DECIMALS: u8 = 6;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(decimals: &u8) -> bool {
    *decimals == 0
}

impl Measure {
    /// A plain sum of bytes.
    pub const BYTES: Self = Self { aggregate: Aggregate::Sum, unit: Unit::Bytes, decimals: 0 };
    /// A plain sum of things.
    pub const COUNT: Self = Self { aggregate: Aggregate::Sum, unit: Unit::Count, decimals: 0 };

    /// Returns an error if it contradicts itself.
    ///
    /// # Errors
    /// A fragment that says what would be right.
    pub fn consistent(&self) -> Result<(), Invalid> {
        if self.decimals > MOST_DECIMALS {
            return Err(Invalid::new(format!("at most {MOST_DECIMALS} decimals")));
        }
        if self.decimals > 0 && self.unit == Unit::Bytes {
            return Err(Invalid::new("bytes have no decimals: leave them out"));
        }
        if self.aggregate == Aggregate::Unique && (self.decimals > 0 || self.unit == Unit::Bytes) {
            return Err(Invalid::new(
                "unique counts members, which are neither bytes nor parts: leave unit and decimals out",
            ));
        }
        Ok(())
    }

    /// Returns true if it is measured in bytes.
    #[must_use]
    pub fn in_bytes(&self) -> bool {
        self.unit == Unit::Bytes
    }

    /// Returns what an action of `bytes` bytes asks of it: the bytes, or one.
    #[must_use]
    pub fn share_of(&self, bytes: Amount) -> Amount {
        if self.in_bytes() { bytes } else { Amount::ONE }
    }

    /// Reads an amount: `500MB`, `1.5 GiB`, `-3`, `47.5`; into base units.
    ///
    /// # Errors
    /// A fragment that says what would be right.
    pub fn parse(&self, text: &str) -> Result<Amount, Invalid> {
        unit::parse(text, &self.unit, self.decimals)
    }

    /// Returns the amount as a person would write it: `498 MB`, `47.5 points`, `12`.
    ///
    /// Bytes are cut after two decimals, never rounded up, so that what is shown as left is there.
    #[must_use]
    pub fn human(&self, amount: Amount) -> String {
        unit::human(amount, &self.unit, self.decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Measure {
        Measure { unit: "points".parse().unwrap(), decimals: 1, ..Measure::COUNT }
    }

    #[test]
    fn decimals_scale_to_whole_base_units() {
        assert_eq!(points().parse("47.5"), Ok(Amount::new(475)));
        assert_eq!(points().parse("47.5 points"), Ok(Amount::new(475)));
        assert_eq!(points().parse("-3"), Ok(Amount::new(-30)));
        assert_eq!(points().human(Amount::new(475)), "47.5 points");
        assert_eq!(points().human(Amount::new(-5)), "-0.5 points");
        assert_eq!(points().human(Amount::new(470)), "47 points");
        assert!(points().parse("0.05").is_err());
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert!(Measure { decimals: 1, ..Measure::BYTES }.consistent().is_err());
        assert!(Measure { decimals: 7, ..Measure::COUNT }.consistent().is_err());
        assert!(Measure { aggregate: Aggregate::Unique, ..Measure::BYTES }.consistent().is_err());
        assert!(points().consistent().is_ok());
    }

    #[test]
    fn a_measure_survives_being_written_and_read() {
        let json = serde_json::to_string(&points()).unwrap();
        assert_eq!(json, r#"{"aggregate":"sum","unit":"points","decimals":1}"#);
        assert_eq!(serde_json::from_str::<Measure>(&json).unwrap(), points());
    }
}
