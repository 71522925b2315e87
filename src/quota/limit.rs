//! Limit: the windows on one resource; reads `500MB/month,50MB/day` and `unlimited`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;
use super::{Measure, Per, Window};

/// All caps on one resource at once; none means unlimited.
///
/// Written out as the caps in base units, `["500000000/month","50000000/day soft"]`, or
/// `"unlimited"`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Limit(Vec<Window>);

impl Limit {
    /// Returns the limit that caps nothing.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self(Vec::new())
    }

    /// Returns the limit made of `windows`.
    ///
    /// # Errors
    /// If two of them are per the same period, for the same, and as strict.
    pub fn new(windows: Vec<Window>) -> Result<Self, Invalid> {
        let same = |a: &Window, b: &Window| {
            let whose = |it: &Window| (it.period, it.per, it.strictness.mode, it.timezone.clone());
            whose(a) == whose(b)
        };
        for (index, window) in windows.iter().enumerate() {
            if windows.iter().skip(index + 1).any(|other| same(window, other)) {
                let period = window.period.map_or("default period".to_owned(), |it| it.to_string());
                return Err(Invalid::new(format!("two limits for the same {period}: keep one")));
            }
        }
        Ok(Self(windows))
    }

    /// Reads `500MB/month,50MB/day`, `unlimited`, `0`; the numbers in `measure`.
    ///
    /// # Errors
    /// A fragment that says what would be right.
    pub fn parse(text: &str, measure: &Measure) -> Result<Self, Invalid> {
        if text.trim() == "unlimited" {
            return Ok(Self::unlimited());
        }
        let windows = text.split(',').map(|part| Window::parse(part.trim(), measure));
        Self::new(windows.collect::<Result<_, _>>()?)
    }

    /// Returns the caps.
    #[must_use]
    pub fn windows(&self) -> &[Window] {
        &self.0
    }

    /// Returns an error if a window of it is shared: those are declared by groups.
    ///
    /// # Errors
    /// A fragment that says where it belongs.
    pub fn is_one_s_own(&self) -> Result<(), Invalid> {
        match self.0.iter().find(|window| window.per != Per::Subject) {
            Some(window) => Err(Invalid::new(format!(
                "a limit per {} belongs to a group: declare it there",
                window.per
            ))),
            None => Ok(()),
        }
    }

    /// Returns the limit as a person would write it: `500 MB/month, 50 MB/day`.
    #[must_use]
    pub fn human(&self, measure: &Measure) -> String {
        if self.0.is_empty() {
            return "unlimited".to_owned();
        }
        self.0.iter().map(|window| window.human(measure)).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("unlimited");
        }
        let caps: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&caps.join(","))
    }
}

/// How a limit stands in a document: one text, or a list of them.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    Many(Vec<String>),
}

impl TryFrom<Written> for Limit {
    type Error = Invalid;

    fn try_from(written: Written) -> Result<Self, Invalid> {
        match written {
            // Documents hold base units, so the measure of the resource makes no difference.
            Written::One(text) => Self::parse(&text, &Measure::BYTES),
            Written::Many(parts) => {
                let windows = parts.iter().map(|part| Window::parse(part, &Measure::BYTES));
                Self::new(windows.collect::<Result<_, _>>()?)
            }
        }
    }
}

impl From<Limit> for Written {
    fn from(limit: Limit) -> Self {
        match limit.0.as_slice() {
            [] => Self::One("unlimited".to_owned()),
            [window] => Self::One(window.to_string()),
            windows => Self::Many(windows.iter().map(ToString::to_string).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::{Amount, Period};

    fn limit(text: &str) -> Result<Limit, Invalid> {
        Limit::parse(text, &Measure::BYTES)
    }

    #[test]
    fn several_windows_hold_at_once() {
        let both = limit("500MB/month, 50MB/day").unwrap();
        assert_eq!(
            both.windows(),
            [
                Window::new(Amount::new(500_000_000), Some(Period::Month)).unwrap(),
                Window::new(Amount::new(50_000_000), Some(Period::Day)).unwrap(),
            ]
        );
    }

    #[test]
    fn unlimited_and_nothing_are_different_words() {
        assert!(limit("unlimited").unwrap().windows().is_empty());
        assert_eq!(limit("0").unwrap().windows()[0].amount, Amount::ZERO);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for text in
            ["5MB/day,6MB/day", "-5MB", "5MB/fortnight", "5MB/month softly", "", "5MB,", "1/2/day"]
        {
            assert!(limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_trial_may_stand_beside_what_is_in_force() {
        assert!(limit("500MB/month,300MB/month observe").is_ok());
        assert!(limit("500MB/month,9TB/month per server").is_ok());
        assert!(limit("500MB/month soft,9TB/month soft").is_err());
    }

    #[test]
    fn a_mistyped_period_suggests_the_nearest() {
        let error = limit("5MB/mnth").unwrap_err();
        assert!(error.to_string().contains("did you mean \"month\""), "{error}");
    }

    #[test]
    fn a_limit_survives_being_written_and_read() {
        for text in ["unlimited", "0", "500MB", "500MB/month,50MB/day", "7/never"] {
            let before = limit(text).unwrap();
            let json = serde_json::to_string(&before).unwrap();
            assert_eq!(serde_json::from_str::<Limit>(&json).unwrap(), before, "{json}");
        }
    }
}
