//! Length: how far a rolling period reaches back.

use std::fmt;

/// How far back: a span of time, or so many months of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Length {
    /// So many milliseconds; a day is 24 hours.
    Span(u64),
    /// So many months; a year is twelve.
    Months(u32),
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The longest, in days of 24 hours and in months: a hundred years.
const MOST: (u64, u32) = (36_500 * DAY, 1_200);

/// The units by name.
const UNITS: [(&str, Length); 20] = [
    ("d", Length::Span(DAY)),
    ("day", Length::Span(DAY)),
    ("days", Length::Span(DAY)),
    ("w", Length::Span(7 * DAY)),
    ("week", Length::Span(7 * DAY)),
    ("weeks", Length::Span(7 * DAY)),
    ("h", Length::Span(HOUR)),
    ("hour", Length::Span(HOUR)),
    ("hours", Length::Span(HOUR)),
    ("m", Length::Span(MINUTE)),
    ("minute", Length::Span(MINUTE)),
    ("minutes", Length::Span(MINUTE)),
    ("s", Length::Span(SECOND)),
    ("second", Length::Span(SECOND)),
    ("seconds", Length::Span(SECOND)),
    ("ms", Length::Span(1)),
    ("month", Length::Months(1)),
    ("months", Length::Months(1)),
    ("year", Length::Months(12)),
    ("years", Length::Months(12)),
];

impl Length {
    pub(super) fn unit(name: &str) -> Option<Self> {
        UNITS.into_iter().find(|(known, _)| *known == name).map(|(_, length)| length)
    }

    pub(super) fn units() -> impl Iterator<Item = &'static str> {
        UNITS.into_iter().map(|(name, _)| name)
    }

    /// Returns it `count` times over; none if that is under a minute or over a hundred years.
    pub(super) fn times(self, count: Option<u64>) -> Option<Self> {
        let count = count?;
        match self {
            Self::Span(one) => {
                let whole = one.checked_mul(count);
                whole.filter(|span| (MINUTE..=MOST.0).contains(span)).map(Self::Span)
            }
            Self::Months(one) => {
                let whole = one.checked_mul(u32::try_from(count).ok()?);
                whole.filter(|months| (1..=MOST.1).contains(months)).map(Self::Months)
            }
        }
    }

    /// Returns it in words, after "in the last": `month`, `30 days`, `24 hours`.
    pub(super) fn words(self) -> String {
        let (count, unit) = match self {
            Self::Months(months) if months > 0 && months % 12 == 0 => {
                (u64::from(months / 12), "year")
            }
            Self::Months(months) => (u64::from(months), "month"),
            // The last day might be yesterday; the last 24 hours are not.
            Self::Span(DAY) => (24, "hour"),
            Self::Span(span) => match largest(span) {
                (count, "d") => (count, "day"),
                (count, "h") => (count, "hour"),
                (count, "m") => (count, "minute"),
                (count, "s") => (count, "second"),
                (count, _) => (count, "millisecond"),
            },
        };
        if count == 1 { unit.to_owned() } else { format!("{count} {unit}s") }
    }
}

/// Returns `span` in the largest unit that it is a whole number of.
const fn largest(span: u64) -> (u64, &'static str) {
    match span {
        0 => (0, "d"),
        days if days.is_multiple_of(DAY) => (days / DAY, "d"),
        hours if hours.is_multiple_of(HOUR) => (hours / HOUR, "h"),
        minutes if minutes.is_multiple_of(MINUTE) => (minutes / MINUTE, "m"),
        seconds if seconds.is_multiple_of(SECOND) => (seconds / SECOND, "s"),
        millis => (millis, "ms"),
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Months(1) => f.write_str("1 month"),
            Self::Months(months) => write!(f, "{months} months"),
            Self::Span(span) => {
                let (count, unit) = largest(span);
                write!(f, "{count}{unit}")
            }
        }
    }
}
