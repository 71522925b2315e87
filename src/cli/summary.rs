//! summary: all that one subject used, and what it may.

use clap::Args;

use super::answer::Answer;
use super::books::Books;
use super::exit::Failure;
use super::table::table;
use super::words::{self, Words};
use crate::engine::{self, UsageReport};
use crate::quota::{Amount, Subject};

/// All that one subject used of every resource, and what it may
///
/// Each with the window that has the least room; `usage` shows every window.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate summary @alice:example.org")]
pub(super) struct Summary {
    /// Who
    subject: Subject,
}

impl Summary {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let words = Words::under(&policy);
        let summary = books.summary(&self.subject).await?;
        let rows = summary.resources.iter().map(|report| row(report, &words));
        let resources = table(
            ["RESOURCE", "USED", "RESERVED", "LIMIT", "LEFT", "OVER", "PERIOD", "RESETS"],
            rows,
            "nothing is counted yet: declare a resource by `metergate group set`",
        );
        let text = format!("{} {}\n{resources}", summary.subject, place(&summary));
        Ok(Answer::new(text, &summary)?)
    }
}

/// Says which group one is in and why, and whether that counts.
fn place(summary: &engine::Summary) -> String {
    let group = match summary.because.as_deref().and_then(|text| text.split_once(' ')) {
        Some(("group", group)) => format!("is in group {group}"),
        Some(("rule", group)) => format!("is in group {group} by a rule"),
        Some((_, group)) => format!("is in group {group}, the default"),
        None => "is in no group".to_owned(),
    };
    if summary.exempt { format!("{group}, and exempt from every limit") } else { group }
}

fn row(report: &UsageReport, words: &Words<'_>) -> [String; 8] {
    let measure = &words.measure(&report.resource);
    let past = Some(report.overage).filter(|past| *past > Amount::ZERO);
    [
        report.resource.to_string(),
        words::amount(measure, report.used),
        words::amount(measure, report.reserved),
        words::amount_or(measure, report.limit, "unlimited"),
        words::amount_or(measure, report.remaining, "unlimited"),
        words::amount_or(measure, past, "-"),
        report.period.map(|period| period.to_string()).unwrap_or_default(),
        words.reset(report.resets_at),
    ]
}
