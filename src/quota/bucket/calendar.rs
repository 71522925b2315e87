//! Calendar: buckets that are whole days of a zone.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

use super::{Bucket, Zone};
use crate::clock::Timestamp;
use crate::quota::period::{CivilDate, Period};

/// The first day of a bucket, the first day after it, and its name.
type Days = (Date, Option<Date>, String);

/// Returns the bucket of `period`, which is made of days, that `moment` falls in.
pub(super) fn stretch(period: Period, zone: &Zone, moment: Timestamp) -> Bucket {
    let today = zone.day(moment);
    let (first, next, name) = match period {
        Period::Week => week(today),
        Period::Month => {
            let first = today.first_of_month();
            (first, later(first, 1), today.strftime("%Y-%m").to_string())
        }
        Period::Quarter => quarter(today),
        Period::Year => {
            let first = today.first_of_year();
            (first, later(first, 12), today.strftime("%Y").to_string())
        }
        Period::MonthFrom(day) => {
            let begins = |month: Date| day_of(month, day);
            anniversary(period, today, today.first_of_month(), 1, begins)
        }
        Period::YearFrom { month, day } => {
            let begins = |january: Date| {
                let months = i32::from(month.clamp(1, 12)) - 1;
                day_of(later(january, months).unwrap_or(january), day)
            };
            anniversary(period, today, today.first_of_year(), 12, begins)
        }
        Period::Days { days, from: Some(from) } => fixed(period, today, days, from),
        Period::Day
        // These are not made of days; the day holds the moment all the same.
        | Period::Minute
        | Period::Hour
        | Period::Never
        | Period::Days { from: None, .. }
        | Period::Rolling(_) => {
            (today, today.tomorrow().ok(), today.strftime("%Y-%m-%d").to_string())
        }
    };
    let start = zone.midnight(first).unwrap_or(Timestamp::MIN);
    Bucket::still(zone.key(name), start, next.and_then(|next| zone.midnight(next)))
}

/// Returns the bounds of the `days` that begin on the day of `moment`.
pub(super) fn days(days: u32, zone: &Zone, moment: Timestamp) -> (Timestamp, Option<Timestamp>) {
    let first = zone.day(moment);
    let next = shifted(first, i64::from(days.max(1)));
    let start = zone.midnight(first).unwrap_or(Timestamp::MIN);
    (start, next.and_then(|next| zone.midnight(next)))
}

fn week(today: Date) -> Days {
    let back = i64::from(today.weekday().since(Weekday::Monday));
    let monday = shifted(today, -back);
    let next = shifted(today, 7 - back);
    (monday.unwrap_or(Date::MIN), next, today.strftime("%G-W%V").to_string())
}

fn quarter(today: Date) -> Days {
    let index = (today.month() - 1) / 3;
    let january = today.first_of_year();
    let first = later(january, i32::from(index) * 3).unwrap_or(january);
    (first, later(first, 3), format!("{}-Q{}", today.strftime("%Y"), index + 1))
}

/// Returns the year or month, `length` months long, that `begins` on some day of each one of the
/// calendar; `this` is the first of that which `today` is in.
fn anniversary(
    period: Period,
    today: Date,
    this: Date,
    length: i32,
    begins: impl Fn(Date) -> Date,
) -> Days {
    let anchor = begins(this);
    let (first, next) = if anchor <= today {
        (anchor, later(this, length).map(begins))
    } else {
        (later(this, -length).map_or(Date::MIN, begins), Some(anchor))
    };
    (first, next, format!("{period}:{first}"))
}

fn fixed(period: Period, today: Date, days: u32, from: CivilDate) -> Days {
    let days = i64::from(days.max(1));
    let past = today.since(from).map_or(0, |span| i64::from(span.get_days()));
    let back = past.rem_euclid(days);
    let first = shifted(today, -back).unwrap_or(Date::MIN);
    (first, shifted(today, days - back), format!("{period}:{first}"))
}

/// Returns that day of the month, or the last if it has none.
fn day_of(month: Date, day: u8) -> Date {
    let last = month.last_of_month();
    let day = i8::try_from(day.max(1)).unwrap_or(i8::MAX).min(last.day());
    Date::new(month.year(), month.month(), day).unwrap_or(last)
}

fn later(first: Date, months: i32) -> Option<Date> {
    first.checked_add(months.months()).ok()
}

fn shifted(date: Date, days: i64) -> Option<Date> {
    Span::new().try_days(days).ok().and_then(|span| date.checked_add(span).ok())
}
