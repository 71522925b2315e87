//! Zone: what the clocks of a place show, and when they are put forward or back.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::quota::invalid::Invalid;

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
        self.written(moment, "%-d %B %Y %H:%M %Z")
    }

    pub(super) fn written(&self, moment: Timestamp, format: &str) -> String {
        instant(moment).to_zoned(self.0.clone()).strftime(format).to_string()
    }

    /// Returns `name`, outside UTC with `@` and the zone.
    pub(super) fn key(&self, name: String) -> String {
        if *self == Self::UTC { name } else { format!("{name}@{}", self.name()) }
    }

    /// Returns what the clocks show at `moment`.
    pub(super) fn clocks(&self, moment: Timestamp) -> DateTime {
        self.0.to_datetime(instant(moment))
    }

    /// Returns by how many milliseconds the clocks are ahead of UTC at `moment`.
    pub(super) fn ahead(&self, moment: Timestamp) -> i64 {
        i64::from(self.0.to_offset(instant(moment)).seconds()) * 1000
    }

    /// Returns the first moment at which the clocks show `time`; if they skip it, the moment at
    /// which they do. None if that is out of the range of a timestamp.
    pub(super) fn first(&self, time: DateTime) -> Option<Timestamp> {
        // Clocks are put forward and back at whole seconds, and at the edge of its range jiff
        // asserts that it is given none but whole ones.
        let below = i64::from(time.subsec_nanosecond());
        let second = time.with().subsec_nanosecond(0).build().ok()?;
        let found = self.0.to_ambiguous_timestamp(second);
        let is_skipped = matches!(found.offset(), AmbiguousOffset::Gap { .. });
        let first = moment(found.compatible().ok()?);
        if is_skipped {
            return self.shifts_until(first).next();
        }
        Some(Timestamp::from_millis(first.millis() + below / 1_000_000))
    }

    /// Returns the first moment of `date`.
    pub(super) fn midnight(&self, date: Date) -> Option<Timestamp> {
        self.first(date.to_datetime(jiff::civil::Time::midnight()))
    }

    /// Returns the day that `moment` is in: the last one that has begun.
    ///
    /// This differs from the date on the clocks where they are put back past midnight: the day
    /// has begun when they first show it.
    pub(super) fn day(&self, moment: Timestamp) -> Date {
        let mut day = self.clocks(moment).date();
        while let Some(next) = day.tomorrow().ok()
            && self.midnight(next).is_some_and(|begins| begins <= moment)
        {
            day = next;
        }
        day
    }

    /// Returns when the rules of the zone change, from `moment` back, itself included.
    pub(super) fn shifts_until(&self, until: Timestamp) -> impl Iterator<Item = Timestamp> {
        // `preceding` leaves out its own argument.
        let after = jiff::Timestamp::from_millisecond(until.millis().saturating_add(1));
        let shifts = self.0.preceding(after.unwrap_or(jiff::Timestamp::MAX));
        shifts.map(|shift| moment(shift.timestamp()))
    }

    /// Returns when the rules of the zone change after `moment`.
    pub(super) fn shifts_after(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.0.following(instant(after)).map(|shift| moment(shift.timestamp()))
    }
}

fn instant(moment: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(moment.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn moment(instant: jiff::Timestamp) -> Timestamp {
    Timestamp::from_millis(instant.as_millisecond())
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
