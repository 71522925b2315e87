//! Words: limits as a user reads them: `500 MB each month`.

use crate::engine::CommonLimit;
use crate::quota::{Per, Period, Unit};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// One limit of everyone, in two parts: how much, and per what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) amount: String,
    pub(super) rest: String,
}

impl Line {
    pub(super) fn of(limit: &CommonLimit) -> Self {
        let number = limit.measure.human(limit.amount);
        let amount = match &limit.measure.unit {
            Unit::Count if matches!(limit.resource.as_str(), "uploads" | "files") => {
                format!("{number} {}", if limit.amount.get() == 1 { "file" } else { "files" })
            }
            Unit::Count => format!("{number} {}", limit.resource),
            Unit::Bytes | Unit::Label(_) => number,
        };
        let whose = match limit.per {
            Per::Subject => "",
            Per::Group => ", shared by everyone with this limit",
            Per::Server => ", shared by everyone on this server",
        };
        let soft = if limit.soft { "; going past it is tolerated for a while" } else { "" };
        Self { amount, rest: format!("{}{whose}{soft}", each(limit.period)) }
    }
}

/// Returns how often an amount may be used up.
fn each(period: Period) -> String {
    match period {
        Period::Minute => "each minute".to_owned(),
        Period::Hour => "each hour".to_owned(),
        Period::Day | Period::Days { days: 1, .. } => "each day".to_owned(),
        Period::Week => "each week, from Monday on".to_owned(),
        Period::Month => "each month".to_owned(),
        Period::Quarter => "each quarter of a year".to_owned(),
        Period::Year => "each year".to_owned(),
        Period::Never => "in all".to_owned(),
        Period::MonthFrom(day) => format!("each month, from day {day} on"),
        Period::YearFrom { month, day } => {
            let name = MONTHS.get(usize::from(month.saturating_sub(1))).copied();
            format!("each year, from {day} {} on", name.unwrap_or_default())
        }
        Period::Days { days, .. } => format!("every {days} days"),
        Period::Rolling(_) => {
            let when = period.when();
            format!("within any {}", when.strip_prefix("in the last ").unwrap_or(&when))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::{Amount, Measure};

    #[test]
    fn a_limit_is_told_as_a_person_would() {
        for (amount, resource, period, per, soft, expected) in [
            (500_000_000, "media_bytes", "month", Per::Subject, false, "500 MB each month"),
            (1, "uploads", "day", Per::Subject, false, "1 file each day"),
            (100, "uploads", "30d", Per::Subject, false, "100 files every 30 days"),
            (7, "seats", "never", Per::Subject, false, "7 seats in all"),
            (
                5,
                "x_bytes",
                "rolling 30d",
                Per::Group,
                false,
                "5 B within any 30 days, shared by everyone with this limit",
            ),
            (
                5,
                "x_bytes",
                "year@03-01",
                Per::Server,
                false,
                "5 B each year, from 1 March on, shared by everyone on this server",
            ),
            (
                5,
                "x_bytes",
                "month@15",
                Per::Subject,
                true,
                "5 B each month, from day 15 on; going past it is tolerated for a while",
            ),
        ] {
            let measure = if resource.ends_with("bytes") { Measure::BYTES } else { Measure::COUNT };
            let line = Line::of(&CommonLimit {
                resource: resource.parse().unwrap(),
                measure,
                amount: Amount::new(amount),
                period: period.parse().unwrap(),
                per,
                soft,
            });
            assert_eq!(format!("{} {}", line.amount, line.rest), expected);
        }
    }
}
