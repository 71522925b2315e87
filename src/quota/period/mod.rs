//! Period: how long a limit lasts before it starts anew, and how that is written.
//!
//! Where a stretch of a period begins and ends, down to the month's last day and to clocks that
//! are put forward and back, is told in [`bucket`](super::bucket).

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;

pub use length::Length;

mod length;
mod read;

/// A day of the calendar, in no time zone yet.
pub type CivilDate = jiff::civil::Date;

/// A stretch of the calendar; `Never` does not end.
///
/// Written in exact case; what is written out reads back as the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Period {
    /// Sixty seconds on the clock.
    Minute,
    /// From full hour to full hour.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday (ISO 8601).
    Week,
    /// From the first to the last of a month.
    Month,
    /// Three months, the first of which is January, April, July or October.
    Quarter,
    /// From January to December.
    Year,
    /// One stretch for all time.
    Never,
    /// A month from this day on, `month@15`; from the last day of a month that has no such day.
    MonthFrom(u8),
    /// A year from this day on, `year@03-01`; from 28 February where there is no 29th.
    YearFrom {
        /// January is 1.
        month: u8,
        /// The day of the month.
        day: u8,
    },
    /// So many days: `30d@2026-01-01`; `30d` begins on the day of first use.
    Days {
        /// How many, 1 to 36500.
        days: u32,
        /// Where one stretch begins; all before and after it follow.
        from: Option<CivilDate>,
    },
    /// The time up to now: `rolling 30d`, `rolling 1 month`.
    Rolling(Length),
}

impl Period {
    /// The periods of one word, shortest first.
    pub const CALENDAR: [Self; 8] = [
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
        Self::Never,
    ];

    /// The longest stretch of days; about a hundred years.
    pub const MOST_DAYS: u32 = 36_500;

    /// Returns the words "used … ": `this month`, `in the last 30 days`, `in all`.
    #[must_use]
    pub fn when(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Minute => "this minute",
            Self::Hour => "this hour",
            Self::Day | Self::Days { days: 1, .. } => "today",
            Self::Week => "this week",
            Self::Month | Self::MonthFrom(_) => "this month",
            Self::Quarter => "this quarter",
            Self::Year | Self::YearFrom { .. } => "this year",
            Self::Never => "in all",
            Self::Days { days, .. } => return Cow::Owned(format!("in these {days} days")),
            Self::Rolling(length) => return Cow::Owned(format!("in the last {}", length.words())),
        })
    }

    fn text(self) -> Cow<'static, str> {
        match self {
            Self::Minute => "minute".into(),
            Self::Hour => "hour".into(),
            Self::Day => "day".into(),
            Self::Week => "week".into(),
            Self::Month => "month".into(),
            Self::Quarter => "quarter".into(),
            Self::Year => "year".into(),
            Self::Never => "never".into(),
            Self::MonthFrom(day) => format!("month@{day}").into(),
            Self::YearFrom { month, day } => format!("year@{month:02}-{day:02}").into(),
            Self::Days { days, from: None } => format!("{days}d").into(),
            Self::Days { days, from: Some(date) } => format!("{days}d@{date}").into(),
            Self::Rolling(length) => format!("rolling {length}").into(),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl TryFrom<String> for Period {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.text().into_owned()
    }
}

#[cfg(test)]
mod tests;
