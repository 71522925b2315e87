//! history: what was used day by day.

use std::time::Duration;

use clap::Args;

use super::answer::Answer;
use super::books::Books;
use super::exit::Failure;
use super::table::table;
use super::words;
use crate::clock::Timestamp;
use crate::engine::Step;
use crate::quota::{Amount, Measure, Period, Subject, Zone};

/// From how long ago it is told unless a start is named.
const AGO: Duration = Duration::from_hours(29 * 24);
/// How long the longest bar is.
const WIDEST: i64 = 40;

/// What was used day by day, by one subject or by everyone
///
/// Days begin where the subject's do, and are told whole.
#[derive(Debug, Args)]
#[command(
    allow_missing_positional = true,
    after_help = "Examples:
  metergate history media_bytes
  metergate history @alice:example.org media_bytes
  metergate history @alice:example.org media_bytes --start 2026-11-01 --end 2026-12-01
  metergate history media_bytes --step month --start 2026-01-01"
)]
pub(super) struct History {
    /// Who; everyone if nobody is named
    subject: Option<Subject>,
    /// Of what
    #[arg(required = true)]
    resource: String,
    /// From which day on [default: 30 days, today included]
    #[arg(long, value_name = "DATE")]
    start: Option<Timestamp>,
    /// Up to, not including, this day [default: today, included]
    #[arg(long, value_name = "DATE")]
    end: Option<Timestamp>,
    /// By which period of the calendar: hour, day, week, month …
    #[arg(long, default_value = "day", value_name = "PERIOD")]
    step: Period,
}

impl History {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let resource = policy.resource(&self.resource)?;
        let now = books.now();
        let end = self.end.unwrap_or(now.after(Duration::from_millis(1)));
        let start = self.start.unwrap_or_else(|| now.min(end).before(AGO));
        let subject = self.subject.as_ref();
        let steps = books.history(subject, resource, self.step, start, end).await?;
        let measure = policy.measure(resource);
        let most = steps.iter().map(|step| step.used).max().unwrap_or_default();
        let zone = steps.first().and_then(|step| zone(&step.bucket));
        let rows = steps.iter().map(|step| row(step, &measure, most, zone));
        let mut first = self.step.to_string().to_uppercase();
        if let Some(zone) = zone {
            first = format!("{first} ({zone})");
        }
        let header = [first, "USED".to_owned(), String::new()];
        let [step, used, bar] = &header;
        let text = table([step, used, bar], rows, "no day lies between start and end");
        Ok(Answer::new(text, &steps)?)
    }
}

/// Returns the zone in the name of a bucket; none is named in UTC.
fn zone(bucket: &str) -> Option<&str> {
    let (_, zone) = bucket.rsplit_once('@')?;
    zone.parse::<Zone>().is_ok().then_some(zone)
}

/// Returns a line; what all have in `zone`, the header says.
fn row(step: &Step, measure: &Measure, most: Amount, zone: Option<&str>) -> [String; 3] {
    let bucket = step.bucket.as_str();
    let named = zone.and_then(|zone| bucket.strip_suffix(zone)?.strip_suffix('@'));
    let used = words::amount(measure, step.used);
    [named.unwrap_or(bucket).to_owned(), used, "#".repeat(width(step.used, most))]
}

/// Returns how long the bar of `used` is beside one of `most`; what was used is seen.
fn width(used: Amount, most: Amount) -> usize {
    let (used, most) = (i128::from(used.get()), i128::from(most.get()));
    if used <= 0 {
        return 0;
    }
    let width = used * i128::from(WIDEST) / most.max(1);
    usize::try_from(width.max(1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_that_of_the_most_and_the_least_is_seen() {
        let bar = |used, most| width(Amount::new(used), Amount::new(most));
        assert_eq!(bar(7, 7), 40);
        assert_eq!(bar(i64::MAX / 2, i64::MAX), 19);
        assert_eq!(bar(1, i64::MAX), 1);
        assert_eq!(bar(0, 7), 0);
        assert_eq!(bar(0, 0), 0);
    }
}
