//! Bucket: the `[start, end)` a moment falls in, by period and time zone; its key.
//!
//! There are no timers: a new stretch of time is a new key, and a counter under a key that
//! nobody has used yet is zero.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use serde::{Deserialize, Serialize};

use super::Period;
use super::invalid::Invalid;
use crate::clock::Timestamp;

/// An IANA time zone, such as `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Returns its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Returns `moment` as people of that zone write it: `1 December 2026 00:00 UTC`.
    #[must_use]
    pub fn tell(&self, moment: Timestamp) -> String {
        local(moment, self).strftime("%-d %B %Y %H:%M %Z").to_string()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl Eq for Zone {}

impl FromStr for Zone {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        TimeZone::get(text).map(Self).map_err(|_| {
            Invalid::new(format!(
                "\"{text}\" is not a time zone: write an IANA name like Europe/Berlin or UTC"
            ))
        })
    }
}

impl TryFrom<String> for Zone {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

/// A half-open stretch of time, `[start, end)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name: the same for all moments in it, and for no other: `2026-06-18`, `2026-W25`,
    /// `2026-06`, `all`; outside UTC with `@` and the zone.
    pub key: String,
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it; none if it does not end.
    pub end: Option<Timestamp>,
    /// What becomes of it as time goes on.
    pub shape: Shape,
}

/// What becomes of a bucket as time goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It stays where it is.
    Stretch,
    /// It opens on the day of its first use, for each account by itself.
    FirstUse {
        /// How many days it lasts.
        days: u32,
        /// The zone in which they begin.
        zone: Zone,
    },
    /// It ends at the moment it is asked for.
    Rolling {
        /// The zone by which months are counted back.
        zone: Zone,
    },
}

impl Bucket {
    /// Returns the bucket of `period` in `zone` that `moment` falls in.
    ///
    /// A local midnight that the zone skips moves to the first later moment; of one that comes
    /// twice the earlier counts. Days of 23 and 25 hours are therefore whole days.
    #[must_use]
    pub fn of(period: Period, zone: &Zone, moment: Timestamp) -> Self {
        let today = local(moment, zone).date();
        let (first, next, name) = match period {
            Period::Never => return Self::all(),
            Period::Day => (today, today.tomorrow().ok(), today.strftime("%Y-%m-%d").to_string()),
            Period::Week => {
                let back = i32::from(today.weekday().since(Weekday::Monday));
                let monday = today.checked_sub(back.days()).unwrap_or(today);
                (monday, monday.checked_add(7.days()).ok(), today.strftime("%G-W%V").to_string())
            }
            Period::Month => {
                let first = today.first_of_month();
                (first, first.checked_add(1.month()).ok(), today.strftime("%Y-%m").to_string())
            }
        };
        let key = if *zone == Zone::UTC { name } else { format!("{name}@{}", zone.name()) };
        Self {
            key,
            start: midnight(first, zone).unwrap_or(Timestamp::MIN),
            end: next.and_then(|next| midnight(next, zone)),
            shape: Shape::Stretch,
        }
    }

    /// Returns the bucket that holds all time.
    #[must_use]
    pub fn all() -> Self {
        Self { key: "all".to_owned(), start: Timestamp::MIN, end: None, shape: Shape::Stretch }
    }

    /// Returns the stretch `[start, end)`, which no limit uses, for reading the ledger.
    #[must_use]
    pub fn range(start: Timestamp, end: Timestamp) -> Self {
        Self { key: format!("{start}/{end}"), start, end: Some(end), shape: Shape::Stretch }
    }

    /// Shim.
    #[must_use]
    pub fn begun(&self, _moment: Timestamp) -> Self {
        self.clone()
    }

    /// Shim.
    #[must_use]
    pub fn leaves(&self, _moment: Timestamp) -> Option<Timestamp> {
        self.end
    }

    /// Returns true if `moment` is in it.
    #[must_use]
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start <= moment && self.end.is_none_or(|end| moment < end)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

fn local(moment: Timestamp, zone: &Zone) -> Zoned {
    jiff::Timestamp::from_millisecond(moment.millis())
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned(zone.0.clone())
}

fn midnight(date: Date, zone: &Zone) -> Option<Timestamp> {
    let first = date.to_zoned(zone.0.clone()).ok()?;
    Some(Timestamp::from_millis(first.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests;
