//! Bucket: the `[start, end)` a moment falls in, by period and time zone; its key.
//!
//! There are no timers: a new stretch of time is a new key, and a counter under a key that
//! nobody has used yet is zero.
//!
//! Where the calendar is uneven:
//!
//! - A day begins when the clocks of the zone first show its midnight. A midnight that they skip
//!   moves to the moment they do; of one that comes twice the earlier counts. Days of 23 and 25
//!   hours are therefore whole days, and a date that a zone left out has no bucket.
//! - An hour or a minute ends where the clocks are put forward or back. Outside UTC its key
//!   carries the distance to UTC, so that the hour that comes twice is two hours.
//! - `month@31` begins on the last day of a shorter month, and on the 31st again in the next long
//!   one: 31 January, 28 February, 31 March. `year@02-29` begins on 28 February three years of
//!   four.
//! - `30d@2026-01-01` counts civil days from that date, both ways.
//! - `rolling 30d` is 30 times 24 hours: what happened that long ago to the millisecond no longer
//!   counts. `rolling 1 month` goes back by the calendar to the same time of day, and to the last
//!   day of a shorter month: on 31 March, to 28 February. What has ceased to count never counts
//!   again, so while several days go back to one and the same (28 to 31 March), all but the last
//!   of them go back to its midnight; and in an hour that will come twice, to where it begins.

use std::fmt;

pub use zone::Zone;

use super::period::{Length, Period};
use crate::clock::Timestamp;

mod calendar;
mod hour;
mod rolling;
mod zone;

/// A half-open stretch of time, `[start, end)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name: the same for all moments in it, and for no other: `2026-06-18T14`,
    /// `2026-06-18`, `2026-W25`, `2026-06`, `2026-Q2`, `month@15:2026-06-15`, `all`; outside UTC
    /// with `@` and the zone. Where the shape is not a stretch: of the series, `30d` or
    /// `rolling 30d`.
    pub key: String,
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it; none if it does not end.
    pub end: Option<Timestamp>,
    /// How it lies in time.
    pub shape: Shape,
}

/// How a bucket lies in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It lies still.
    Stretch,
    /// It begins on the day of first use; until then it is the one that would begin now.
    FirstUse {
        /// How many days it lasts.
        days: u32,
        /// Whose days.
        zone: Zone,
    },
    /// It ends at the moment that was asked about, itself included.
    Rolling {
        /// How far back it reaches.
        length: Length,
        /// Whose calendar.
        zone: Zone,
    },
}

impl Bucket {
    /// Returns the bucket of `period` in `zone` that `moment` falls in.
    ///
    /// Of a length that opens on the day of first use it is the one that would open at `moment`;
    /// see [`begun`](Self::begun).
    #[must_use]
    pub fn of(period: Period, zone: &Zone, moment: Timestamp) -> Self {
        match period {
            Period::Never => Self::all(),
            Period::Minute => hour::minute(zone, moment),
            Period::Hour => hour::hour(zone, moment),
            Period::Rolling(length) => Self {
                key: zone.key(period.to_string()),
                start: rolling::start(length, zone, moment),
                end: Some(rolling::next(moment)).filter(|end| *end > moment),
                shape: Shape::Rolling { length, zone: zone.clone() },
            },
            Period::Days { days, from: None } => {
                let shape = Shape::FirstUse { days, zone: zone.clone() };
                let key = zone.key(period.to_string());
                Self { key, start: moment, end: None, shape }.begun(moment)
            }
            Period::Day
            | Period::Week
            | Period::Month
            | Period::Quarter
            | Period::Year
            | Period::MonthFrom(_)
            | Period::YearFrom { .. }
            | Period::Days { from: Some(_), .. } => calendar::stretch(period, zone, moment),
        }
    }

    /// Returns the bucket that holds all time.
    #[must_use]
    pub fn all() -> Self {
        Self::still("all".to_owned(), Timestamp::MIN, None)
    }

    /// Returns the stretch `[start, end)`, which no limit uses, for reading the ledger.
    #[must_use]
    pub fn range(start: Timestamp, end: Timestamp) -> Self {
        Self::still(format!("{start}/{end}"), start, Some(end))
    }

    const fn still(key: String, start: Timestamp, end: Option<Timestamp>) -> Self {
        Self { key, start, end, shape: Shape::Stretch }
    }

    /// Returns true if `moment` is in it.
    #[must_use]
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start <= moment && self.end.is_none_or(|end| moment < end)
    }

    /// Returns the one of its series that begins on the day of `moment`, if it begins on first
    /// use, under the same key; otherwise itself.
    #[must_use]
    pub fn begun(&self, moment: Timestamp) -> Self {
        let mut begun = self.clone();
        if let Shape::FirstUse { days, zone } = &self.shape {
            (begun.start, begun.end) = calendar::days(*days, zone, moment);
        }
        begun
    }

    /// Returns true if one that has not begun may still have to make room for a first use at the
    /// earlier `moment`: it would begin then, and hold the first moment of this one.
    #[must_use]
    pub fn may_begin_at(&self, moment: Timestamp) -> bool {
        matches!(self.shape, Shape::FirstUse { .. })
            && moment < self.start
            && self.begun(moment).contains(self.start)
    }

    /// Returns the first moment at which a charge made at `moment` no longer counts; none if it
    /// always will.
    #[must_use]
    pub fn leaves(&self, moment: Timestamp) -> Option<Timestamp> {
        match &self.shape {
            Shape::Stretch | Shape::FirstUse { .. } => self.end,
            Shape::Rolling { length, zone } => rolling::leaves(*length, zone, moment),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

#[cfg(test)]
mod tests;
