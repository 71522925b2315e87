//! Hour: buckets that are read off the clock, hours and minutes.

use super::{Bucket, Zone};
use crate::clock::Timestamp;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Returns the hour that `moment` falls in.
pub(super) fn hour(zone: &Zone, moment: Timestamp) -> Bucket {
    slice(zone, moment, HOUR, "%Y-%m-%dT%H")
}

/// Returns the minute that `moment` falls in.
pub(super) fn minute(zone: &Zone, moment: Timestamp) -> Bucket {
    slice(zone, moment, MINUTE, "%Y-%m-%dT%H:%M")
}

/// Returns the time around `moment` in which the clocks show the same but for what is below
/// `length` milliseconds, and are not put forward or back.
fn slice(zone: &Zone, moment: Timestamp, length: i64, format: &str) -> Bucket {
    let ahead = zone.ahead(moment);
    let begun = (moment.millis() + ahead).rem_euclid(length);
    let (start, end) = (moment.millis() - begun, moment.millis() - begun + length);
    // The rules of a zone may change and leave its clocks alone.
    let put_before = zone
        .shifts_until(moment)
        .take_while(|shift| shift.millis() > start)
        .find(|shift| zone.ahead(Timestamp::from_millis(shift.millis() - 1)) != ahead);
    let put_after = zone
        .shifts_after(moment)
        .take_while(|shift| shift.millis() < end)
        .find(|shift| zone.ahead(*shift) != ahead);
    let name = if *zone == Zone::UTC {
        zone.written(moment, format)
    } else {
        zone.written(moment, &format!("{format}%:z"))
    };
    Bucket::still(
        zone.key(name),
        put_before.unwrap_or_else(|| Timestamp::from_millis(start)),
        put_after.or_else(|| {
            Some(end).filter(|end| *end <= Timestamp::MAX.millis()).map(Timestamp::from_millis)
        }),
    )
}
