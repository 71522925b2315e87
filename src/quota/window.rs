//! Window: how much, per which period.

use std::fmt;
use std::str::FromStr;

use super::invalid::Invalid;
use super::{Amount, Period, Unit};

/// One cap: an amount per period. It denies past the amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The most that may be used; never below zero.
    pub amount: Amount,
    /// Per which period; none means the policy's default.
    pub period: Option<Period>,
}

impl Window {
    /// Returns a cap of `amount` per `period`.
    ///
    /// # Errors
    /// If the amount is below zero.
    pub fn new(amount: Amount, period: Option<Period>) -> Result<Self, Invalid> {
        if amount.is_negative() {
            return Err(Invalid::new(
                "a limit is not below zero: write 0 for nothing, or unlimited",
            ));
        }
        Ok(Self { amount, period })
    }

    /// Reads `500MB/month`, `10000` or `2GB/day hard`; the number in `unit`.
    ///
    /// # Errors
    /// A fragment that says what would be right.
    pub fn parse(text: &str, unit: Unit) -> Result<Self, Invalid> {
        let (amount, period) = match text.split_once('/') {
            None => (text, None),
            Some((amount, rest)) => (amount, Some(period_and_mode(rest)?)),
        };
        Self::new(unit.parse(amount)?, period)
    }
}

/// Reads a period, which may be several words, and the mode after it.
fn period_and_mode(text: &str) -> Result<Period, Invalid> {
    let text = text.trim();
    match text.rsplit_once(char::is_whitespace) {
        Some((period, "hard")) => period.parse(),
        Some((period, mode @ ("soft" | "observe"))) => {
            Period::from_str(period)?;
            Err(Invalid::new(format!(
                "\"{mode}\" is not in this version: every limit is hard, so leave it out"
            )))
        }
        Some((period, mode))
            if Period::from_str(text).is_err() && period.parse::<Period>().is_ok() =>
        {
            Err(Invalid::new(format!(
                "\"{mode}\" is not a mode of a limit: write hard, or nothing"
            )))
        }
        _ => text.parse(),
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.period {
            Some(period) => write!(f, "{}/{period}", self.amount),
            None => write!(f, "{}", self.amount),
        }
    }
}
