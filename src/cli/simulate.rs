//! simulate: whom another policy would have refused.

use std::path::PathBuf;

use clap::Args;

use super::answer::Answer;
use super::books::Books;
use super::exit::Failure;
use super::progress::Progress;
use super::table::table;
use super::words::{self, Words};
use crate::clock::Timestamp;
use crate::config::{self, Sources};
use crate::engine::{Simulation, Stretch, WindowDecision};
use crate::quota::{Measure, Policy};

/// Tell the ledger again under another policy: who would have been refused, and who over
///
/// The policy of the file holds in place of all that is declared today; what subjects have of
/// their own stays. What would have been refused is not counted. Nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate simulate policy.toml
  metergate simulate policy.toml --start 2026-06-01 --end 2026-07-01
  metergate simulate /etc/metergate/metergate.toml --json")]
pub(super) struct Simulate {
    /// A configuration file; only its policy counts
    file: PathBuf,
    /// What happened before this is counted, but not judged
    #[arg(long, value_name = "DATE")]
    start: Option<Timestamp>,
    /// What happened from then on is left out
    #[arg(long, value_name = "DATE")]
    end: Option<Timestamp>,
}

impl Simulate {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        if let (Some(start), Some(end)) = (self.start, self.end)
            && start >= end
        {
            return Err(Failure::bad_input(format!(
                "--end {end} does not come after --start {start}: write a later one"
            )));
        }
        let sources = Sources { file: Some(self.file), ..Sources::default() };
        let policy = config::load(&sources).map_err(Failure::Config)?.settings.policy;
        let progress = Progress::of("simulating");
        let stretch = Stretch { start: self.start, end: self.end };
        let found =
            books.simulate(&policy, stretch, &|done, total| progress.at(done, total)).await?;
        drop(progress);
        let present = books.policy().await?;
        // Amounts are those of the other policy, moments are told as today.
        let other = Policy { file: policy, ..Policy::default() };
        let words = Words::under(&other).in_zone(present.zone());
        Ok(Answer::new(said(&found, &words), &found)?)
    }
}

fn said(found: &Simulation, words: &Words<'_>) -> String {
    let refused = found.refused.iter().map(|it| {
        let measure = words.measure(&it.resource);
        [
            it.subject.to_string(),
            it.resource.to_string(),
            it.times.to_string(),
            words::amount(&measure, it.amount),
            words.moment(it.first),
            it.window.as_ref().map_or("max_upload_bytes".to_owned(), |by| limit(by, &measure)),
        ]
    });
    let header = ["REFUSED", "RESOURCE", "TIMES", "AMOUNT", "FIRST", "BY"];
    let refused = table(header, refused, "nobody would have been refused");
    let over = found.over.iter().map(|it| {
        let measure = words.measure(&it.resource);
        [
            it.subject.to_string(),
            it.resource.to_string(),
            words::amount(&measure, it.window.used),
            limit(&it.window, &measure),
            words.moment(it.first),
        ]
    });
    let header = ["OVER", "RESOURCE", "USED", "LIMIT", "FIRST"];
    let over = table(header, over, "nobody would have reached a limit");
    let Simulation { asked, allowed, denied, .. } = found;
    format!("{refused}\n\n{over}\n\n{asked} asked: {allowed} allowed, {denied} refused")
}

fn limit(window: &WindowDecision, measure: &Measure) -> String {
    let amount = words::amount_or(measure, window.limit, "unlimited");
    format!("{amount}/{}", window.period)
}
