//! Window: how much, per which period, shared by whom, how strictly.

use std::fmt;
use std::str::FromStr;

use super::invalid::{Invalid, nearest};
use super::strictness::{Admit, Mode, Warnings};
use super::{Amount, Measure, Per, Period, Strictness, Zone, duration, duration_text};

/// One cap: an amount per period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The most that may be used; never below zero.
    pub amount: Amount,
    /// Per which period; none means the policy's default.
    pub period: Option<Period>,
    /// Shared by whom.
    pub per: Per,
    /// What happens at the limit.
    pub strictness: Strictness,
    /// The zone in which its days begin; none means the group's, or the policy's.
    pub timezone: Option<Zone>,
}

/// The words that may follow amount and period; each but the modes and ways to admit is followed
/// by what it says.
const WORDS: [&str; 10] =
    ["hard", "soft", "observe", "strict", "trailing", "per", "ceiling", "grace", "warn", "in"];

impl Window {
    /// Returns a hard cap of `amount` per `period` on each subject.
    ///
    /// # Errors
    /// If the amount is below zero.
    pub fn new(amount: Amount, period: Option<Period>) -> Result<Self, Invalid> {
        let (per, strictness) = (Per::Subject, Strictness::default());
        Self { amount, period, per, strictness, timezone: None }.consistent()
    }

    /// Returns it, unless it contradicts itself.
    ///
    /// # Errors
    /// If an amount is below zero, or the strictness does not fit.
    pub fn consistent(self) -> Result<Self, Invalid> {
        let ceiling = self.strictness.ceiling.unwrap_or_default();
        if self.amount.is_negative() || ceiling.is_negative() {
            return Err(Invalid::new(
                "a limit is not below zero: write 0 for nothing, or unlimited",
            ));
        }
        self.strictness.fits(self.amount)?;
        Ok(self)
    }

    /// Reads `500MB/month`, `10000` or `2GB/day soft ceiling 3GB grace 7d`; numbers in `measure`.
    ///
    /// Behind amount and period stand, in any order: a mode (`hard`, `soft`, `observe`), whom to
    /// admit (`strict`, `trailing`), `per group` or `per server`, `ceiling AMOUNT`,
    /// `grace DURATION`, `warn 50 90` or `warn none`, `in ZONE`.
    ///
    /// # Errors
    /// A fragment that says what would be right.
    pub fn parse(text: &str, measure: &Measure) -> Result<Self, Invalid> {
        let (cap, words) = split(text);
        if cap.split([' ', '/']).next() == Some("unlimited") {
            return Err(Invalid::new(
                "unlimited stands alone, without period and other limits: write it so, or an amount",
            ));
        }
        let (amount, period) = match cap.split_once('/') {
            None => (cap.as_str(), None),
            Some((amount, period)) => (amount, Some(self::period(period)?)),
        };
        let mut window = Self {
            amount: measure.parse(amount)?,
            period,
            per: Per::Subject,
            strictness: Strictness::default(),
            timezone: None,
        };
        let mut words = words.into_iter().peekable();
        let mut before: Vec<&str> = Vec::new();
        while let Some(word) = words.next() {
            if let Some(other) = before.iter().find(|other| about(other) == about(word)) {
                return Err(twice(other, word));
            }
            before.push(word);
            let mut said = Vec::new();
            while let Some(value) = words.next_if(|next| !WORDS.contains(next)) {
                said.push(value);
            }
            window.heed(word, &said, measure)?;
        }
        window.consistent()
    }

    fn heed(&mut self, word: &str, said: &[&str], measure: &Measure) -> Result<(), Invalid> {
        let one = || match said {
            [one] => Ok(*one),
            _ => Err(Invalid::new(format!("\"{word}\" needs one word behind it"))),
        };
        match word {
            "per" => {
                let whom = one()?;
                self.per = whom.parse().map_err(|wrong| match Period::from_str(whom) {
                    Ok(period) => Invalid::new(format!(
                        "a period stands behind a slash: write /{period} in place of per {whom}"
                    )),
                    Err(_) => wrong,
                })?;
            }
            "grace" => self.strictness.grace = Some(duration(one()?)?),
            "in" => self.timezone = Some(one()?.parse()?),
            "ceiling" => self.strictness.ceiling = Some(measure.parse(&said.join(" "))?),
            "warn" => self.strictness.warnings = warnings(said)?,
            _ if !said.is_empty() => {
                return Err(unknown(said.first().copied().unwrap_or_default()));
            }
            "strict" => self.strictness.admit = Admit::Strict,
            "trailing" => self.strictness.admit = Admit::Trailing,
            mode => self.strictness.mode = mode.parse()?,
        }
        Ok(())
    }

    /// Returns it as a person would write it: `500 MB/month soft`.
    #[must_use]
    pub fn human(&self, measure: &Measure) -> String {
        self.written(|amount| measure.human(amount))
    }

    fn written(&self, amount: impl Fn(Amount) -> String) -> String {
        let Strictness { mode, admit, ceiling, grace, warnings } = self.strictness;
        let mut text = amount(self.amount);
        let mut say = |said: String| {
            text.push_str(&said);
        };
        if let Some(period) = self.period {
            say(format!("/{period}"));
        }
        if mode != Mode::Hard {
            say(format!(" {mode}"));
        }
        if admit != Admit::Strict {
            say(format!(" {admit}"));
        }
        if self.per != Per::Subject {
            say(format!(" per {}", self.per));
        }
        if let Some(ceiling) = ceiling {
            say(format!(" ceiling {}", amount(ceiling)));
        }
        if let Some(grace) = grace {
            say(format!(" grace {}", duration_text(grace)));
        }
        if warnings != Warnings::default() {
            say(format!(" warn {warnings}"));
        }
        if let Some(zone) = &self.timezone {
            say(format!(" in {}", zone.name()));
        }
        text
    }
}

/// Returns what a word is about: those about the same exclude each other.
fn about(word: &str) -> &str {
    match word {
        "hard" | "soft" | "observe" => "mode",
        "strict" | "trailing" => "admit",
        other => other,
    }
}

fn twice(first: &str, second: &str) -> Invalid {
    Invalid::new(if first == second {
        format!("\"{first}\" is said twice: once is enough")
    } else {
        format!("a limit is {first} or {second}, not both: keep one")
    })
}

/// Reads a period; a word behind a whole one is none of those that may stand there.
fn period(text: &str) -> Result<Period, Invalid> {
    Period::from_str(text).map_err(|wrong| match text.trim().rsplit_once(' ') {
        Some((whole, word)) if Period::from_str(whole).is_ok() => unknown(word),
        _ => wrong,
    })
}

/// Splits a window into `500MB/month` and the words behind it.
fn split(text: &str) -> (String, Vec<&str>) {
    let words: Vec<_> = text.split_whitespace().collect();
    let first = words.iter().position(|word| WORDS.contains(word)).unwrap_or(words.len());
    let (cap, words) = words.split_at(first);
    (cap.join(" "), words.to_vec())
}

fn warnings(said: &[&str]) -> Result<Warnings, Invalid> {
    match said {
        [] => Err(Invalid::new("\"warn\" needs percentages behind it, like warn 80 100, or none")),
        ["none"] => Warnings::at(&[]),
        _ => {
            let percentage =
                |word: &&str| word.trim_end_matches('%').parse::<u16>().map_err(|_| unknown(word));
            Warnings::at(&said.iter().map(percentage).collect::<Result<Vec<_>, _>>()?)
        }
    }
}

fn unknown(word: &str) -> Invalid {
    let hint = nearest(word, WORDS);
    Invalid::new(format!(
        "\"{word}\" says nothing about a limit: write soft, observe, per group, ceiling 3GB, grace 7d …{hint}"
    ))
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(|amount| amount.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(text: &str) -> Result<Window, String> {
        Window::parse(text, &Measure::BYTES).map_err(|error| error.to_string())
    }

    #[test]
    fn all_that_can_be_said_of_a_window() {
        let window = read(
            "500 MB/month soft ceiling 1 GB grace 7d warn 90 50 per group trailing in Europe/Berlin",
        )
        .unwrap();
        assert_eq!(window.amount, Amount::new(500_000_000));
        assert_eq!(window.period, Some(Period::Month));
        assert_eq!(window.per, Per::Group);
        let strictness = window.strictness;
        assert_eq!(strictness.mode, Mode::Soft);
        assert_eq!(strictness.admit, Admit::Trailing);
        assert_eq!(strictness.ceiling, Some(Amount::new(1_000_000_000)));
        assert_eq!(strictness.grace, Some(Duration::from_hours(7 * 24)));
        assert_eq!(strictness.warnings, Warnings::at(&[50, 90]).unwrap());
        assert_eq!(
            window.timezone.map(|zone| zone.name().to_owned()),
            Some("Europe/Berlin".into())
        );
    }

    #[test]
    fn a_window_survives_being_written_and_read() {
        for text in [
            "0",
            "500000000/month",
            "500/day observe",
            "500/week soft ceiling 600 grace 7d warn none",
            "7/never trailing per server in Europe/Berlin",
        ] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        for (text, hint) in [
            ("5MB/month sofft", "soft"),
            ("5MB/month soft soft2", "says nothing"),
            ("5MB/month ceiling 9MB", "make it soft"),
            ("5MB/month soft ceiling 4MB", "below the limit"),
            ("5MB/month per planet", "per server"),
            ("5MB/month grace", "one word"),
            ("5MB/month warn", "80 100"),
            ("5MB/month warn 0", "percent"),
            ("5MB/month in Mars", "time zone"),
            ("5MB/month hard soft", "hard or soft, not both"),
            ("5MB/month trailing strict", "not both"),
            ("5MB/month soft ceiling 6MB ceiling 7MB", "said twice"),
            ("5MB per day", "write /day"),
            ("unlimited/day", "stands alone"),
            ("unlimited observe", "stands alone"),
            ("-5MB", "below zero"),
            ("5MB/mnth", "did you mean \"month\""),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
