//! Unit: what an amount is measured in; reads "500 MB", "2 GiB"; refuses "5G" with a hint.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;
use super::resource::name;
use super::{Amount, Overflow};

/// What a resource is measured in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Unit {
    /// Bytes: amounts may be written with a unit.
    Bytes,
    /// Plain numbers: files, requests.
    #[default]
    Count,
    /// Plain numbers that are called something: seats, points.
    Label(Arc<str>),
}

/// The byte units, largest first. `MB` is 1000², `MiB` is 1024².
const BYTE_UNITS: [(&str, i64); 13] = [
    ("EiB", 1 << 60),
    ("EB", 1_000_000_000_000_000_000),
    ("PiB", 1 << 50),
    ("PB", 1_000_000_000_000_000),
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

impl Unit {
    /// Returns the word for it, as the API says it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Bytes => "bytes",
            Self::Count => "count",
            Self::Label(label) => label,
        }
    }

    /// Returns how many base units one of what is written as `suffix` is; `text` is all of it.
    fn factor(&self, suffix: &str, text: &str) -> Result<i64, Invalid> {
        if suffix.is_empty() {
            return Ok(1);
        }
        match self {
            Self::Bytes => byte_factor(suffix, text),
            Self::Label(label) if **label == *suffix => Ok(1),
            Self::Label(label) => Err(Invalid::new(format!(
                "\"{text}\" is not measured in {label}: write the number alone"
            ))),
            Self::Count => Err(Invalid::new(format!(
                "\"{text}\" has a unit, but this resource is a plain number (only names that end in \"bytes\" take units)"
            ))),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Reads `bytes`, `count`, or any other word, which is a label.
impl FromStr for Unit {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "bytes" => Ok(Self::Bytes),
            "count" => Ok(Self::Count),
            _ if text.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                name(text, "unit").map(Self::Label)
            }
            _ => Err(Invalid::new(format!(
                "\"{text}\" is not a unit: write bytes, count, or a word like seats"
            ))),
        }
    }
}

impl TryFrom<String> for Unit {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.name().to_owned()
    }
}

/// Reads an amount in `unit` with at most so many `decimals`: `500MB`, `1.5 GiB`, `-3`, `47.5`.
///
/// Units are read in any case. A fraction must land on a whole base unit.
pub(super) fn parse(text: &str, unit: &Unit, decimals: u8) -> Result<Amount, Invalid> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    if number.is_empty() {
        return Err(unreadable(text, unit));
    }
    let factor = unit.factor(suffix.trim(), text)?;
    let factor = 10_i64.checked_pow(decimals.into()).and_then(|scale| factor.checked_mul(scale));
    let factor = factor.ok_or_else(|| Invalid::new(format!("\"{text}\": {Overflow}")))?;
    scaled(number.trim(), factor).map_err(|wrong| match wrong {
        Wrong::Unreadable => unreadable(text, unit),
        Wrong::Fractional => Invalid::new(match (unit, decimals) {
            (Unit::Bytes, _) => format!("\"{text}\" is not a whole number of bytes"),
            (_, 0) => format!("\"{text}\" is not a whole number"),
            (_, 1) => format!("\"{text}\" has more than one decimal"),
            (_, most) => format!("\"{text}\" has more than {most} decimals"),
        }),
        Wrong::TooLarge => Invalid::new(format!("\"{text}\": {Overflow}")),
    })
}

fn unreadable(text: &str, unit: &Unit) -> Invalid {
    let example = if *unit == Unit::Bytes { "500MB" } else { "10000" };
    Invalid::new(format!("\"{text}\" is not an amount: write a number like {example}"))
}

fn byte_factor(suffix: &str, text: &str) -> Result<i64, Invalid> {
    let lower = suffix.to_ascii_lowercase();
    if matches!(lower.as_str(), "byte" | "bytes") {
        return Ok(1);
    }
    if let Some((_, factor)) = BYTE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(suffix))
    {
        return Ok(*factor);
    }
    if matches!(lower.as_str(), "k" | "m" | "g" | "t" | "p" | "e") {
        let letter = lower.to_ascii_uppercase();
        return Err(Invalid::new(format!(
            "\"{text}\" is ambiguous: write {letter}B (thousands) or {letter}iB (1024s)"
        )));
    }
    Err(Invalid::new(format!("\"{suffix}\" is not a unit: write B, kB, MB, GB, KiB, MiB, GiB …")))
}

/// Returns the amount as a person would write it: `498 MB`, `47.5 points`, `12`.
pub(super) fn human(amount: Amount, unit: &Unit, decimals: u8) -> String {
    let units = amount.get();
    let decimal = BYTE_UNITS.iter().filter(|(name, _)| !name.contains('i'));
    match unit {
        Unit::Count => with_decimals(units, decimals),
        Unit::Label(label) => format!("{} {label}", with_decimals(units, decimals)),
        Unit::Bytes => decimal
            .copied()
            .find(|(_, factor)| units.unsigned_abs() >= factor.unsigned_abs())
            .map_or_else(|| format!("{units} B"), |(name, factor)| cut(units, name, factor)),
    }
}

/// Writes base units with `decimals` decimals, none that say nothing: `47.5`.
fn with_decimals(units: i64, decimals: u8) -> String {
    let places = usize::from(decimals);
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if units < 0 { "-" } else { "" };
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

/// Writes `units` in multiples of `factor` with at most two decimals.
fn cut(units: i64, name: &str, factor: i64) -> String {
    let (whole, rest) = (units / factor, (units % factor).unsigned_abs());
    let hundredths = u128::from(rest) * 100 / u128::from(factor.unsigned_abs());
    let decimals = format!("{hundredths:02}");
    match decimals.trim_end_matches('0') {
        "" => format!("{whole} {name}"),
        decimals => format!("{whole}.{decimals} {name}"),
    }
}

/// Why a number is no amount.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    Unreadable,
    /// It does not land on a whole base unit.
    Fractional,
    TooLarge,
}

/// Multiplies a decimal number by `factor`, exactly.
fn scaled(number: &str, factor: i64) -> Result<Amount, Wrong> {
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(Wrong::Unreadable);
    }
    let fraction = fraction.trim_end_matches('0');
    // No unit is finer than 18 decimals, EB.
    let places = u32::try_from(fraction.len()).ok().filter(|places| *places <= 18);
    let scale = places.and_then(|places| 10_i128.checked_pow(places)).ok_or(Wrong::Fractional)?;
    let mantissa: i128 = format!("{whole}{fraction}").parse().map_err(|_| Wrong::TooLarge)?;
    let scaled = mantissa.checked_mul(i128::from(factor)).ok_or(Wrong::TooLarge)?;
    if scaled % scale != 0 {
        return Err(Wrong::Fractional);
    }
    let units = if negative { -(scaled / scale) } else { scaled / scale };
    i64::try_from(units).map(Amount::new).map_err(|_| Wrong::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(text: &str) -> Result<i64, String> {
        parse(text, &Unit::Bytes, 0).map(Amount::get).map_err(|error| error.to_string())
    }

    #[test]
    fn decimal_and_binary_units_are_told_apart_in_any_case() {
        assert_eq!(bytes("500MB"), Ok(500_000_000));
        assert_eq!(bytes("500 mb"), Ok(500_000_000));
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(bytes("1.5kB"), Ok(1500));
        assert_eq!(bytes("10000"), Ok(10_000));
        assert_eq!(bytes("-3 bytes"), Ok(-3));
        assert_eq!(bytes("7EiB"), Ok(7 << 60));
    }

    #[test]
    fn a_bare_letter_is_refused_with_both_readings() {
        let error = bytes("5G").unwrap_err();
        assert!(error.contains("GB") && error.contains("GiB"), "{error}");
    }

    #[test]
    fn a_fraction_must_land_on_a_whole_byte() {
        assert!(bytes("0.3B").unwrap_err().contains("whole"));
        assert_eq!(bytes("0.001kB"), Ok(1));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in
            ["", "MB", "1e3", "5 XB", "1..2", "--1", "+5", "1_000", "8EiB", "10 Mbit", "9.", ".5"]
        {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert!(parse("5MB", &Unit::Count, 0).is_err());
        assert!(bytes(&"9".repeat(60)).is_err());
        assert!(bytes(&format!("0.{}1", "0".repeat(60))).is_err());
    }

    #[test]
    fn people_read_short_figures_that_never_promise_too_much() {
        assert_eq!(human(Amount::new(498_000_000), &Unit::Bytes, 0), "498 MB");
        assert_eq!(human(Amount::new(1_999_999), &Unit::Bytes, 0), "1.99 MB");
        assert_eq!(human(Amount::new(1_050_000), &Unit::Bytes, 0), "1.05 MB");
        assert_eq!(human(Amount::ZERO, &Unit::Bytes, 0), "0 B");
        assert_eq!(human(Amount::new(12), &Unit::Count, 0), "12");
    }

    proptest! {
        #[test]
        fn a_plain_number_is_read_back_as_itself(units: i64) {
            prop_assert_eq!(bytes(&units.to_string()), Ok(units));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = parse(&text, &Unit::Bytes, 0);
        }
    }
}
