//! Rolling: what counts of the time up to now.
//!
//! All follows from one line, "the last moment that no longer counts", which never goes back as
//! time goes on. A charge is in while that line is before it.

use std::time::Duration;

use jiff::Span;
use jiff::civil::{Date, DateTime};

use super::Zone;
use crate::clock::Timestamp;
use crate::quota::period::Length;

const DAY: i64 = 24 * 3_600_000;

/// Within it clocks that are put back show again what they have shown; the most that ever was
/// is one day.
const REPEATED: Duration = Duration::from_hours(48);

/// Returns the first moment that still counts at `now`.
pub(super) fn start(length: Length, zone: &Zone, now: Timestamp) -> Timestamp {
    gone(length, zone, now).map_or(Timestamp::MIN, next)
}

/// Returns the first moment at which what happened at `moment` no longer counts.
pub(super) fn leaves(length: Length, zone: &Zone, moment: Timestamp) -> Option<Timestamp> {
    let months = match length {
        Length::Span(span) => {
            let after = moment.millis().saturating_add(millis(span));
            return Some(after)
                .filter(|after| *after <= Timestamp::MAX.millis())
                .map(Timestamp::from_millis);
        }
        Length::Months(months) => i64::from(months),
    };
    let is_gone = |now: i64| gone(length, zone, Timestamp::from_millis(now)) >= Some(moment);
    let most = months.saturating_mul(31).saturating_add(10).saturating_mul(DAY);
    let (mut counts, mut gone) = (moment.millis(), moment.millis().saturating_add(most));
    gone = gone.min(Timestamp::MAX.millis());
    if !is_gone(gone) {
        return None;
    }
    while gone - counts > 1 {
        let middle = counts + (gone - counts) / 2;
        if is_gone(middle) {
            gone = middle;
        } else {
            counts = middle;
        }
    }
    Some(Timestamp::from_millis(gone))
}

/// Returns the millisecond after `moment`.
pub(super) fn next(moment: Timestamp) -> Timestamp {
    moment.after(Duration::from_millis(1))
}

/// Returns the last moment that no longer counts at `now`; none if all time does.
fn gone(length: Length, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
    match length {
        Length::Span(span) => {
            let gone = now.millis().saturating_sub(millis(span));
            Some(gone).filter(|gone| *gone >= Timestamp::MIN.millis()).map(Timestamp::from_millis)
        }
        Length::Months(months) => zone.first(earlier(settled(zone, now), months)?),
    }
}

/// Returns what the clocks show at `now`, or less, if they will be put back to that.
fn settled(zone: &Zone, now: Timestamp) -> DateTime {
    let near = zone.shifts_after(now).take_while(|shift| now.until(*shift) <= REPEATED);
    near.map(|shift| zone.clocks(shift)).fold(zone.clocks(now), DateTime::min)
}

/// Returns the same time of day `months` earlier; midnight, if tomorrow goes back to that day too.
fn earlier(time: DateTime, months: u32) -> Option<DateTime> {
    let span = Span::new().try_months(i64::from(months)).ok()?;
    let back = |date: Date| date.checked_sub(span).ok();
    let day = back(time.date())?;
    let is_again = time.date().tomorrow().is_ok_and(|tomorrow| back(tomorrow) == Some(day));
    let hour = if is_again { jiff::civil::Time::midnight() } else { time.time() };
    Some(day.to_datetime(hour))
}

fn millis(span: u64) -> i64 {
    i64::try_from(span).unwrap_or(i64::MAX)
}
