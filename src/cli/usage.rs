//! usage: what one subject used, and what is left.

use clap::Args;

use super::answer::Answer;
use super::books::Books;
use super::exit::Failure;
use super::table::table;
use super::words::{self, Words};
use crate::clock::Timestamp;
use crate::engine::{Span, UsageReport, WindowDecision};
use crate::quota::strictness::Mode;
use crate::quota::{Per, Period, Subject};

/// What one subject used, and what is left
///
/// Of every window of the limit now; or of one period; or of any stretch of time, from the
/// ledger.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate usage @alice:example.org
  metergate usage @alice:example.org media_bytes --period day
  metergate usage @alice:example.org media_bytes --range 2026-11-01 2026-11-15")]
pub(super) struct Usage {
    /// Who
    subject: Subject,
    /// Of what; all resources if none is named
    resource: Option<String>,
    /// Of the current day, week or month, or of all time: never
    #[arg(long, conflicts_with = "range")]
    period: Option<Period>,
    /// From the first moment up to, not including, the second
    #[arg(long, num_args = 2, value_names = ["START", "END"])]
    range: Option<Vec<Timestamp>>,
}

impl Usage {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let span = self.span();
        let policy = books.policy().await?;
        let words = Words::under(&policy);
        let Some(name) = &self.resource else {
            let mut reports = Vec::new();
            for resource in policy.resources() {
                reports.push(books.usage(&self.subject, resource, span).await?);
            }
            return Ok(Answer::new(told(&reports, span, &words), &reports)?);
        };
        let report = books.usage(&self.subject, policy.resource(name)?, span).await?;
        let text = told(std::slice::from_ref(&report), span, &words);
        Ok(Answer::new(text, &report)?)
    }

    fn span(&self) -> Span {
        match (self.range.as_deref(), self.period) {
            (Some([start, end]), _) => Span::Range(*start, *end),
            (_, Some(period)) => Span::Period(period),
            (_, None) => Span::Limits,
        }
    }
}

fn told(reports: &[UsageReport], span: Span, words: &Words<'_>) -> String {
    let rows = reports.iter().flat_map(|report| {
        let windows = report.windows.iter();
        windows.map(move |window| row(report, window, span, words))
    });
    table(
        ["RESOURCE", "PERIOD", "MODE", "PER", "USED", "RESERVED", "LIMIT", "LEFT", "RESETS", "BY"],
        rows,
        "nothing is counted yet: declare a resource by `metergate group set`",
    )
}

fn row(
    report: &UsageReport,
    window: &WindowDecision,
    span: Span,
    words: &Words<'_>,
) -> [String; 10] {
    let measure = &words.measure(&report.resource);
    let (period, resets) = match span {
        Span::Limits | Span::Period(_) => {
            (window.period.to_string(), words.reset(window.resets_at))
        }
        Span::Range(start, end) => (format!("{start} to {end}"), String::new()),
    };
    let past = words::past_limit(window);
    let past = past.map(|past| format!(" ({} over)", words::amount(measure, past)));
    let limited = window.limit.is_some();
    let mode = Some(window.mode).filter(|mode| limited && *mode != Mode::Hard);
    let per = Some(window.per).filter(|per| *per != Per::Subject);
    [
        report.resource.to_string(),
        period,
        mode.map(|mode| mode.to_string()).unwrap_or_default(),
        per.map(|per| per.to_string()).unwrap_or_default(),
        words::amount(measure, window.used),
        words::amount(measure, window.reserved),
        words::amount_or(measure, window.limit, "unlimited"),
        words::amount_or(measure, window.remaining, "unlimited") + &past.unwrap_or_default(),
        resets,
        if per.is_some() { "pool".to_owned() } else { report.source.clone() },
    ]
}
