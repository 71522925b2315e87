//! Reading a period: the forms it may have, and what to say of a text that has none of them.

use std::str::FromStr;

use super::{CivilDate, Length, Period};
use crate::quota::invalid::{Invalid, nearest};

/// The forms that are more than one word.
const FORMS: [&str; 6] =
    ["month@15", "year@03-01", "30d@2026-01-01", "30d", "rolling 30d", "rolling 1 month"];

/// A leap year, which has every day a year can have.
const LEAP_YEAR: i16 = 2024;

impl FromStr for Period {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if let Some(period) = Self::CALENDAR.into_iter().find(|one| one.text() == text) {
            return Ok(period);
        }
        if let Some(day) = text.strip_prefix("month@") {
            return month_from(day);
        }
        if let Some(day) = text.strip_prefix("year@") {
            return year_from(day);
        }
        if let Some(length) = text.strip_prefix("rolling")
            && length.starts_with(char::is_whitespace)
        {
            return length.parse().map(Self::Rolling);
        }
        match text.chars().next() {
            Some('0'..='9' | '-' | '+' | '.') => stretch(text),
            _ => Err(unknown(text)),
        }
    }
}

fn unknown(text: &str) -> Invalid {
    let words = Period::CALENDAR.into_iter().map(Period::text);
    let words: Vec<_> = words.chain(FORMS.map(Into::into)).collect();
    let near = nearest(&text.to_lowercase(), words.iter().map(AsRef::as_ref));
    Invalid::new(format!("\"{text}\" is not a period: write {}{near}", words.join(", ")))
}

fn month_from(day: &str) -> Result<Period, Invalid> {
    let day_of_month = Some(day).filter(|day| day.len() <= 2).and_then(number::<u8>);
    match day_of_month {
        Some(day @ 1..=31) => Ok(Period::MonthFrom(day)),
        _ => Err(Invalid::new(format!(
            "\"month@{day}\" names no day of a month: write month@1 to month@31"
        ))),
    }
}

fn year_from(text: &str) -> Result<Period, Invalid> {
    let written = text.split_once('-').filter(|(month, day)| month.len() == 2 && day.len() == 2);
    let found = written.and_then(|(month, day)| {
        let (month, day) = (number::<u8>(month)?, number::<u8>(day)?);
        let date = CivilDate::new(LEAP_YEAR, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        date.is_ok().then_some(Period::YearFrom { month, day })
    });
    found.ok_or_else(|| {
        Invalid::new(format!(
            "\"year@{text}\" names no day of a year: write month and day, like year@03-01"
        ))
    })
}

fn stretch(text: &str) -> Result<Period, Invalid> {
    let (length, date) = match text.split_once('@') {
        Some((length, date)) => (length, Some(date)),
        None => (text, None),
    };
    let Some(days) = length.strip_suffix('d') else {
        return Err(Invalid::new(format!(
            "\"{text}\" is not a period: write days, like 30d, or the time up to now, like \
             rolling 12h"
        )));
    };
    let days = number(days).filter(|days| (1..=Period::MOST_DAYS).contains(days));
    let days = days.ok_or_else(|| {
        Invalid::new(format!(
            "\"{length}\" is no number of days: write a whole one from 1d to {}d",
            Period::MOST_DAYS
        ))
    })?;
    let from = date.map(|date| {
        day(date).ok_or_else(|| {
            Invalid::new(format!("\"{date}\" is not a date: write {days}d@2026-01-01"))
        })
    });
    Ok(Period::Days { days, from: from.transpose()? })
}

/// Reads `2026-01-01`; years of four digits only.
fn day(text: &str) -> Option<CivilDate> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let lengths = (year.len(), month.len(), day.len());
    let written = Some(()).filter(|()| lengths == (4, 2, 2));
    written.and_then(|()| CivilDate::new(number(year)?, number(month)?, number(day)?).ok())
}

/// Reads digits and nothing else: no sign, no point.
pub(super) fn number<N: FromStr>(text: &str) -> Option<N> {
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits?.parse().ok()
}

impl FromStr for Length {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, unit) = text.split_at(digits);
        let unit = unit.trim_start();
        if digits.is_empty() {
            return Err(Self::unclear(text, ""));
        }
        let Some(one) = Self::unit(unit) else {
            let near = nearest(&unit.to_lowercase(), Self::units());
            return Err(Self::unclear(text, &near));
        };
        one.times(number(digits)).ok_or_else(|| {
            Invalid::new(format!(
                "\"rolling {text}\" is out of range: write from 1 minute to 100 years"
            ))
        })
    }
}

impl Length {
    fn unclear(text: &str, near: &str) -> Invalid {
        Invalid::new(format!(
            "\"rolling {text}\" is no length of time: write a whole number and a unit, like \
             rolling 30d, rolling 12h or rolling 1 month{near}"
        ))
    }
}
