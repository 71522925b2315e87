//! Tally: refused uploads, hour by hour, in memory that does not grow.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many hours are remembered: 90 days.
const HOURS: usize = 90 * 24;
/// In seconds.
const HOUR: i64 = 60 * 60;

/// What was refused within a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Uploads.
    pub uploads: u64,
    /// Bytes they announced, or had sent by then.
    pub bytes: u64,
}

/// Refused uploads of the last 90 days. Moments are in seconds since 1970.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Ring>);

/// The hours, each at its number modulo their count; made when something is first refused.
#[derive(Debug, Default)]
struct Ring {
    hours: Vec<Refusals>,
    /// The youngest hour there is.
    latest: i64,
}

impl Tally {
    /// Counts an upload of so many bytes that was refused at `moment`.
    pub fn refused(&self, moment: i64, bytes: u64) {
        let mut ring = self.lock();
        if ring.hours.is_empty() {
            ring.hours = vec![Refusals::default(); HOURS];
            ring.latest = hour(moment);
        }
        let hour = hour(moment);
        ring.reach(hour);
        let Some(index) = ring.index(hour) else { return };
        let refusals = &mut ring.hours[index];
        refusals.uploads = refusals.uploads.saturating_add(1);
        refusals.bytes = refusals.bytes.saturating_add(bytes);
    }

    /// Returns what was refused in the hours that begin in `[start, end)`.
    #[must_use]
    pub fn between(&self, start: i64, end: i64) -> Refusals {
        let ring = self.lock();
        let first = hour_from(start).max(ring.oldest());
        let last = hour_from(end).min(ring.latest.saturating_add(1));
        let hours = (first..last).filter_map(|hour| ring.hours.get(ring.index(hour)?));
        hours.fold(Refusals::default(), |sum, hour| Refusals {
            uploads: sum.uploads.saturating_add(hour.uploads),
            bytes: sum.bytes.saturating_add(hour.bytes),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// Makes `hour` the youngest, if it is, and forgets those that are too old then.
    fn reach(&mut self, hour: i64) {
        let new = self.latest.saturating_add(1).max(hour.saturating_sub(span() - 1))..=hour;
        for hour in new {
            if let Some(refusals) = self.hours.get_mut(place(hour)) {
                *refusals = Refusals::default();
            }
        }
        self.latest = self.latest.max(hour);
    }

    fn oldest(&self) -> i64 {
        self.latest.saturating_sub(span() - 1)
    }

    /// Returns where `hour` is; none if it is too old.
    fn index(&self, hour: i64) -> Option<usize> {
        let known = !self.hours.is_empty() && (self.oldest()..=self.latest).contains(&hour);
        known.then(|| place(hour))
    }
}

fn hour(moment: i64) -> i64 {
    moment.div_euclid(HOUR)
}

/// Returns the first hour that begins at `moment` or later.
fn hour_from(moment: i64) -> i64 {
    hour(moment).saturating_add(i64::from(moment.rem_euclid(HOUR) > 0))
}

fn span() -> i64 {
    i64::try_from(HOURS).unwrap_or(i64::MAX)
}

fn place(hour: i64) -> usize {
    usize::try_from(hour.rem_euclid(span())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR;
    /// Some moment at the start of a day.
    const TODAY: i64 = 20_000 * DAY;

    fn refusals(uploads: u64, bytes: u64) -> Refusals {
        Refusals { uploads, bytes }
    }

    #[test]
    fn refusals_are_told_by_the_hour_they_fell_in() {
        let tally = Tally::default();
        assert_eq!(tally.between(i64::MIN, i64::MAX), Refusals::default());
        tally.refused(TODAY + 10, 5);
        tally.refused(TODAY + HOUR - 1, 7);
        tally.refused(TODAY + HOUR, 1);
        assert_eq!(tally.between(TODAY, TODAY + HOUR), refusals(2, 12));
        assert_eq!(tally.between(TODAY + HOUR, TODAY + 2 * HOUR), refusals(1, 1));
        assert_eq!(tally.between(TODAY, TODAY + DAY), refusals(3, 13));
        assert_eq!(tally.between(TODAY - DAY, TODAY), Refusals::default());
    }

    #[test]
    fn what_is_older_than_90_days_is_forgotten_and_no_memory_grows() {
        let tally = Tally::default();
        for day in 0..200 {
            tally.refused(TODAY + day * DAY, 1);
        }
        assert_eq!(tally.lock().hours.len(), HOURS);
        assert_eq!(tally.between(0, i64::MAX).uploads, 90);
        assert_eq!(tally.between(0, TODAY + 110 * DAY), Refusals::default());
        assert_eq!(tally.between(TODAY + 199 * DAY, TODAY + 200 * DAY), refusals(1, 1));
    }

    #[test]
    fn a_clock_that_is_put_back_or_far_ahead_does_no_harm() {
        let tally = Tally::default();
        tally.refused(TODAY, 1);
        tally.refused(TODAY - 2 * HOUR, 2);
        assert_eq!(tally.between(TODAY - DAY, TODAY), refusals(1, 2));
        tally.refused(TODAY - 100 * DAY, 4);
        assert_eq!(tally.between(i64::MIN, i64::MAX), refusals(2, 3));
        tally.refused(i64::MAX, 8);
        assert_eq!(tally.between(0, i64::MAX).uploads, 1);
    }
}
