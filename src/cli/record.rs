//! use: record what was used; reset: bring a count to zero.

use std::collections::BTreeMap;

use clap::Args;

use super::answer::{Answer, Done};
use super::books::Books;
use super::exit::Failure;
use super::words::{self, Words};
use crate::clock::Timestamp;
use crate::engine::{Fact, Recorded};
use crate::quota::{Aggregate, Amount, Period, Resource, Subject};

/// Record what was used
///
/// Whatever the limit: what happened, happened. A negative amount takes back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate use @alice:example.org media_bytes 300MB
  metergate use @alice:example.org media_bytes -20MB
  metergate use @alice:example.org requests 1 --key job-17 --at 2026-11-30T22:00:00Z")]
pub(super) struct Use {
    /// Who
    subject: Subject,
    /// Of what
    resource: String,
    /// How much: 300MB, 1.5GiB, 10, -20MB
    #[arg(allow_hyphen_values = true)]
    amount: String,
    /// A name for this call: told again, it is recorded once
    #[arg(long)]
    key: Option<String>,
    /// When it happened, at most 35 days back [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// Bring a count to zero
///
/// The current count, in every period or in one; of one resource or of all. What was used stays
/// in the ledger.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate reset @alice:example.org media_bytes
  metergate reset @alice:example.org media_bytes --period day
  metergate reset @alice:example.org")]
pub(super) struct Reset {
    /// Who
    subject: Subject,
    /// Of what; all resources if none is named
    resource: Option<String>,
    /// Only the count of this period: day, month, never, 'rolling 30d' …
    #[arg(long)]
    period: Option<Period>,
}

impl Use {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let resource = policy.resource(&self.resource)?.clone();
        let measure = policy.measure(&resource);
        let (amount, member) = match measure.aggregate {
            Aggregate::Unique => (Amount::ONE, Some(self.amount)),
            Aggregate::Sum | Aggregate::Max | Aggregate::Last => {
                (measure.parse(&self.amount)?, None)
            }
        };
        let Self { subject, key, at, .. } = self;
        let fact = Fact { subject, resource, amount, member, key, at };
        let recorded = books.record(&fact).await?;
        let words = Words::under(&policy);
        Ok(Answer::new(sentence(&fact, &recorded, &words), &recorded)?)
    }
}

fn sentence(fact: &Fact, recorded: &Recorded, words: &Words<'_>) -> String {
    let Fact { subject, resource, .. } = fact;
    let measure = &words.measure(resource);
    let what = if recorded.replayed {
        "was recorded before".to_owned()
    } else {
        format!("{} recorded", words::amount(measure, fact.amount))
    };
    let over = match (recorded.window.over, recorded.over) {
        (true, _) => ", the limit is reached",
        (false, true) => ", a limit is reached",
        (false, false) => "",
    };
    let count = match fact.at {
        // What is used "this month" is said only of the present one.
        Some(_) => format!(
            "{} used in {}",
            words::amount(measure, recorded.window.used),
            recorded.window.bucket
        ),
        None => words.window(measure, &recorded.window),
    };
    format!("{subject} {resource}: {what}, {count}{over}")
}

impl Reset {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let resources: Vec<_> = match &self.resource {
            Some(name) => vec![policy.resource(name)?.clone()],
            None => policy.resources().into_iter().cloned().collect(),
        };
        books.reset(&self.subject, &resources, self.period).await?;
        let names: Vec<_> = resources.iter().map(Resource::as_str).collect();
        let names = names.join(", ");
        let period = self.period.map(|period| format!(" of what is used {}", period.when()));
        let words = format!(
            "{} {names}: the count{} starts again at zero",
            self.subject,
            period.unwrap_or_default()
        );
        let json = BTreeMap::from([
            ("subject", serde_json::json!(self.subject)),
            ("resources", serde_json::json!(resources)),
            ("period", serde_json::json!(self.period)),
        ]);
        Ok(Answer::new(words, &Done::now(json))?)
    }
}
