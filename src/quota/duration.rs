//! Durations as they are written: `500ms`, `60s`, `10m`, `2h`, `400d`.

use std::time::Duration;

use super::invalid::Invalid;

/// The units by name, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The longest, in milliseconds: a hundred years of 365 days, so that no clock overflows.
const LONGEST: u64 = 100 * 365 * 86_400_000;

/// Reads a duration: a whole number and its unit, `60s`.
///
/// # Errors
/// A fragment that says what would be right.
pub fn duration(text: &str) -> Result<Duration, Invalid> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let unclear = || {
        Invalid::new(format!(
            "\"{text}\" is not a duration: write a whole number and ms, s, m, h or d, like 60s"
        ))
    };
    let too_long = || Invalid::new(format!("\"{text}\" is too long: the most is 36500d"));
    if number.is_empty() {
        return Err(unclear());
    }
    let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(unclear());
    };
    let number: u64 = number.parse().map_err(|_| too_long())?;
    let whole = number.checked_mul(*millis).filter(|it| *it <= LONGEST);
    whole.map(Duration::from_millis).ok_or_else(too_long)
}

/// Returns a duration as it is written, in the largest unit that it is a whole number of: `7d`.
#[must_use]
pub fn duration_text(span: Duration) -> String {
    let millis = span.as_millis();
    let fits = UNITS.iter().rev().find(|(_, unit)| millis.is_multiple_of(u128::from(*unit)));
    let (name, unit) = fits.copied().unwrap_or(("ms", 1));
    format!("{}{name}", millis / u128::from(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_survives_being_written_and_read() {
        for text in ["0d", "7d", "90m", "36h", "1ms", "1500ms"] {
            let span = duration(text).unwrap();
            assert_eq!(duration(&duration_text(span)), Ok(span), "{text}");
        }
        assert_eq!(duration_text(Duration::from_hours(7 * 24)), "7d");
    }

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, millis) in [
            ("500ms", 500),
            ("60s", 60_000),
            ("10 m", 600_000),
            ("2h", 7_200_000),
            ("400d", 34_560_000_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_what_would_be_one() {
        for text in ["", "60", "s", "1.5s", "-1s", "1m30s", "60S", "1 fortnight"] {
            let error = duration(text).unwrap_err().to_string();
            assert!(error.contains("like 60s"), "{error}");
        }
        for text in ["36501d", "99999999999999999999s"] {
            let error = duration(text).unwrap_err().to_string();
            assert!(error.contains("36500d"), "{error}");
        }
    }
}
