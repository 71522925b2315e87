//! Strictness: what happens at the limit of a window, and on the way there.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Amount;
use super::invalid::{Invalid, nearest};

/// What a window does with what does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is denied.
    #[default]
    Hard,
    /// It is allowed and called over, until a ceiling or the end of a grace.
    Soft,
    /// It is allowed; what would have been denied is told.
    Observe,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Hard, Self::Soft, Self::Observe];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Observe => "observe",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Mode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| {
            let hint = nearest(text, Self::ALL.map(Self::name));
            Invalid::new(format!("\"{text}\" is not a mode: write hard, soft or observe{hint}"))
        })
    }
}

/// How much of an action must fit before it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Admit {
    /// All of it.
    #[default]
    Strict,
    /// One unit: whoever has any room left may begin, and then goes on freely.
    Trailing,
}

impl Admit {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Strict, Self::Trailing];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Trailing => "trailing",
        }
    }
}

impl fmt::Display for Admit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Admit {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|admit| admit.name() == text).ok_or_else(|| {
            Invalid::new(format!("\"{text}\" does not say whom to admit: write strict or trailing"))
        })
    }
}

/// The percentages of a limit at which a warning is told; up to four, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Warnings([u16; Warnings::MOST]);

impl Warnings {
    /// As many as there may be.
    pub const MOST: usize = 4;

    /// Returns warnings at `percentages`.
    ///
    /// # Errors
    /// If there are more than four, one is not from 1 to 1000, or one comes twice.
    pub fn at(percentages: &[u16]) -> Result<Self, Invalid> {
        let mut all = [0; Self::MOST];
        if percentages.len() > Self::MOST {
            return Err(Invalid::new("at most four warnings: leave some out"));
        }
        for (place, percentage) in all.iter_mut().zip(percentages) {
            if !(1..=1000).contains(percentage) {
                return Err(Invalid::new(format!(
                    "a warning is told at 1 to 1000 percent, not at {percentage}"
                )));
            }
            *place = *percentage;
        }
        all.get_mut(..percentages.len()).unwrap_or_default().sort_unstable();
        let named = all.get(..percentages.len()).unwrap_or_default();
        match named.windows(2).find(|pair| pair.first() == pair.last()) {
            Some(pair) => {
                let twice = pair.first().copied().unwrap_or_default();
                Err(Invalid::new(format!("warns twice at {twice} percent: once is enough")))
            }
            None => Ok(Self(all)),
        }
    }

    /// Returns the percentages, lowest first.
    pub fn percentages(&self) -> impl Iterator<Item = u16> {
        self.0.into_iter().filter(|percentage| *percentage > 0)
    }
}

/// At 80 and at 100 percent.
impl Default for Warnings {
    fn default() -> Self {
        Self([80, 100, 0, 0])
    }
}

/// `80 100`, or `none`.
impl fmt::Display for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.percentages().map(|percentage| percentage.to_string()).collect();
        f.write_str(if all.is_empty() { "none" } else { "" })?;
        f.write_str(&all.join(" "))
    }
}

/// What happens at the limit of a window, and on the way there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Strictness {
    /// What is done with what does not fit.
    pub mode: Mode,
    /// How much must fit.
    pub admit: Admit,
    /// Past this a soft window denies, too.
    pub ceiling: Option<Amount>,
    /// So long after the first charge past the limit a soft window denies, too.
    pub grace: Option<Duration>,
    /// When to warn.
    pub warnings: Warnings,
}

impl Strictness {
    /// Returns an error if it contradicts itself, or `limit`.
    ///
    /// # Errors
    /// A fragment that says what would be right.
    pub fn fits(&self, limit: Amount) -> Result<(), Invalid> {
        let lenient = self.ceiling.is_some() || self.grace.is_some();
        if self.mode != Mode::Soft && lenient {
            return Err(Invalid::new(format!(
                "a {} limit has no ceiling and no grace: make it soft, or leave them out",
                self.mode
            )));
        }
        if self.ceiling.is_some_and(|ceiling| ceiling < limit) {
            return Err(Invalid::new(
                "the ceiling lies below the limit: it is where a soft limit denies",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_stand_in_order_and_once() {
        assert_eq!(Warnings::at(&[100, 80]).unwrap(), Warnings::default());
        assert_eq!(Warnings::at(&[90, 50]).unwrap().to_string(), "50 90");
        assert_eq!(Warnings::at(&[]).unwrap().to_string(), "none");
        for wrong in [&[0][..], &[1001], &[80, 80], &[1, 2, 3, 4, 5]] {
            assert!(Warnings::at(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_a_soft_limit_has_a_ceiling_and_it_lies_above() {
        let soft = Strictness {
            mode: Mode::Soft,
            ceiling: Some(Amount::new(12)),
            ..Strictness::default()
        };
        assert!(soft.fits(Amount::new(10)).is_ok());
        assert!(soft.fits(Amount::new(13)).is_err());
        assert!(Strictness { mode: Mode::Hard, ..soft }.fits(Amount::new(10)).is_err());
    }
}
