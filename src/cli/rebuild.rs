//! rebuild: compare every count with the ledger, and correct it.

use clap::Args;
use serde::Serialize;

use super::answer::{Answer, Done};
use super::books::Books;
use super::exit::Failure;
use super::progress::Progress;
use super::table::table;
use super::words;
use crate::engine::Drift;
use crate::quota::{Per, Policy, Subject};

/// Compare every count with the ledger, and correct it
///
/// The ledger is what happened; counts only save adding it up each time. One that says something
/// else is told.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate rebuild --dry-run
  metergate rebuild
  metergate rebuild --subject @alice:example.org")]
pub(super) struct Rebuild {
    /// Only the counts of this one
    #[arg(long)]
    subject: Option<Subject>,
    /// Only tell; change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What programs read.
#[derive(Debug, Serialize)]
struct Told<'a> {
    dry_run: bool,
    buckets: usize,
    drift: &'a [Drift],
}

impl Rebuild {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let progress = Progress::of("comparing counts with the ledger");
        let (subject, dry_run) = (self.subject.as_ref(), self.dry_run);
        let rebuilt = books.rebuild(subject, dry_run, &|done, all| progress.at(done, all)).await?;
        drop(progress);
        let buckets = rebuilt.buckets;
        let plural = if buckets == 1 { "" } else { "s" };
        let none = format!("every count equals the ledger, in {buckets} bucket{plural}");
        let rows = rebuilt.drift.iter().map(|drift| row(drift, &policy));
        let header = ["RESOURCE", "WHOSE", "BUCKET", "COUNT SAID", "LEDGER SAYS"];
        let mut text = table(header, rows, &none);
        if !rebuilt.drift.is_empty() {
            text.push_str(if dry_run {
                "\nnothing was changed: run it without --dry-run to correct this"
            } else {
                "\nthe counts now say what the ledger says"
            });
        }
        let drift = &rebuilt.drift;
        Ok(Answer::new(text, &Done::now(Told { dry_run, buckets, drift }))?)
    }
}

fn row(drift: &Drift, policy: &Policy) -> [String; 5] {
    let measure = policy.measure(&drift.resource);
    let whose = match drift.per {
        Per::Subject => drift.account.clone(),
        Per::Group => format!("group {}", drift.account),
        Per::Server => "everyone".to_owned(),
    };
    [
        drift.resource.to_string(),
        whose,
        drift.bucket.clone(),
        words::amount(&measure, drift.counted),
        words::amount(&measure, drift.ledger),
    ]
}
