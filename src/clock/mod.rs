//! Timestamp and Clock: the one place that reads the time.
//!
//! Everything that decides takes a [`Timestamp`] as a value; only what stands at the rim owns a
//! [`Clock`]. [`Manual`] is public, so that users of the library can test their own windows too.

mod aligned;

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use aligned::Aligned;

/// A moment, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Always within the years -9999 to 9999, so that it can be written as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Returns how long to wait for `span` in whole seconds: rounded up, and never zero.
#[must_use]
pub fn whole_seconds(span: Duration) -> u64 {
    span.as_secs().saturating_add(u64::from(span.subsec_nanos() > 0)).max(1)
}

/// A text that is no moment.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not a time: write 2026-12-01 or 2026-12-01T00:00:00Z")]
pub struct NotATime(String);

impl Timestamp {
    /// The earliest moment there is.
    pub const MIN: Self = Self(-377_705_023_201_000);
    /// The latest moment there is.
    pub const MAX: Self = Self(253_402_207_200_000);

    /// Returns the moment `millis` milliseconds after 1970, drawn to the nearest end of the range.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        if millis < Self::MIN.0 {
            Self::MIN
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// Returns the milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Returns the moment `span` later, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(millis_of(span)))
    }

    /// Returns the moment `span` earlier, at least [`Timestamp::MIN`].
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(millis_of(span)))
    }

    /// Returns how long it is until `later`; zero if that has passed.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// Returns it as RFC 3339 with its milliseconds, which [`Display`](fmt::Display) leaves out.
    #[must_use]
    pub fn exact(self) -> String {
        self.instant().to_string()
    }

    /// Reads a moment as HTTP writes it (RFC 9110 §5.6.7): `Tue, 01 Dec 2026 00:00:00 GMT`.
    #[must_use]
    pub fn of_http(text: &str) -> Option<Self> {
        let moment = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(Self::from_millis(moment.timestamp().as_millisecond()))
    }

    fn instant(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

fn millis_of(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// RFC 3339 in UTC, to the second: `2026-12-01T00:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole_second = jiff::Timestamp::from_second(self.0.div_euclid(1000));
        whole_second.unwrap_or_else(|_| self.instant()).fmt(f)
    }
}

/// Reads RFC 3339 (`2026-12-01T00:00:00Z`) or a date, which means its first moment in UTC.
impl FromStr for Timestamp {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::from_millis(moment.as_millisecond()));
        }
        // A time of day without a zone reads as a date, too: it is refused, not cut off.
        let date = Some(text).filter(|text| text.len() == "2026-12-01".len());
        let date = date.ok_or_else(|| NotATime(text.to_owned()))?.parse::<jiff::civil::Date>();
        date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC))
            .map(|midnight| Self::from_millis(midnight.timestamp().as_millisecond()))
            .map_err(|_| NotATime(text.to_owned()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Moments that are written with their milliseconds, for what must read back as the same:
/// `#[serde(with = "exact")]`.
pub mod exact {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Timestamp;

    /// Writes `moment` with its milliseconds.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn serialize<S: Serializer>(moment: &Timestamp, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&moment.exact())
    }

    /// Writes a moment that may be missing: `#[serde(serialize_with = "exact::optional")]`.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn optional<S: Serializer>(moment: &Option<Timestamp>, out: S) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => out.serialize_some(&moment.exact()),
            None => out.serialize_none(),
        }
    }

    /// Reads any moment, with milliseconds or without.
    ///
    /// # Errors
    /// If it is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(input)
    }
}

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the time")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

/// A clock that stands still until it is told to move; for tests.
#[derive(Debug)]
pub struct Manual(AtomicI64);

impl Manual {
    /// Returns a clock that shows `moment`.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self(AtomicI64::new(moment.millis()))
    }

    /// Sets the clock, forwards or backwards.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.millis(), Ordering::SeqCst);
    }

    /// Moves the clock forwards.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().after(span));
    }
}

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_first_moment_in_utc() {
        let midnight: Timestamp = "2026-12-01".parse().unwrap();
        assert_eq!(midnight.to_string(), "2026-12-01T00:00:00Z");
    }

    #[test]
    fn a_moment_survives_being_written_and_read() {
        let moment: Timestamp = "2026-02-28T23:59:59Z".parse().unwrap();
        assert_eq!(moment.to_string().parse(), Ok(moment));
    }

    #[test]
    fn a_moment_survives_being_written_exactly_to_the_millisecond() {
        for (millis, text) in [
            (1_781_784_000_123, "2026-06-18T12:00:00.123Z"),
            (1_781_784_000_000, "2026-06-18T12:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            let moment = Timestamp::from_millis(millis);
            assert_eq!(moment.exact(), text);
            assert_eq!(moment.exact().parse(), Ok(moment));
        }
        for moment in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(moment.exact().parse(), Ok(moment));
        }
    }

    #[test]
    fn a_moment_is_read_as_http_writes_it() {
        let read = Timestamp::of_http("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(read.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(Timestamp::of_http("yesterday"), None);
    }

    #[test]
    fn a_text_that_is_no_time_says_what_would_be_one() {
        let error = "tomorrow".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("2026-12-01"), "{error}");
    }

    #[test]
    fn a_time_of_day_without_a_zone_is_refused_not_cut_off() {
        for text in ["2026-12-01T12:00:00", "2026-12-01 12:00", "2026-12-01T12", "2026-12-1"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        assert!("2026-12-01T12:00:00+01:00".parse::<Timestamp>().is_ok());
    }

    #[test]
    fn moments_never_leave_the_range_that_can_be_written() {
        assert_eq!(Timestamp::MAX.after(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.before(Duration::MAX), Timestamp::MIN);
        assert_eq!(Timestamp::MAX.until(Timestamp::MIN), Duration::ZERO);
        assert!(!Timestamp::MAX.to_string().is_empty());
        assert!(!Timestamp::MIN.to_string().is_empty());
    }
}
