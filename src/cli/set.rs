//! set: bring a count to a value.

use clap::Args;

use super::answer::Answer;
use super::books::Books;
use super::exit::Failure;
use super::words::{self, Words};
use crate::quota::Subject;

/// Bring a count to a value
///
/// For stocks, such as what somebody's files take up now: whatever was told before, this is how
/// much it is. The difference is one line of the ledger, whatever the limit.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate set @alice:example.org storage_bytes 12GiB
  metergate set @alice:example.org seats 0")]
pub(super) struct Set {
    /// Whose
    subject: Subject,
    /// Of what
    resource: String,
    /// How much it is now: 12GiB, 10, 0
    #[arg(allow_hyphen_values = true)]
    value: String,
}

impl Set {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let resource = policy.resource(&self.resource)?;
        let measure = policy.measure(resource);
        let value = measure.parse(&self.value)?;
        let set = books.set(&self.subject, resource, value).await?;
        let over = if set.over { ", the limit is reached" } else { "" };
        let text = format!(
            "{} {resource}: set to {}, {}{over}",
            self.subject,
            words::amount(&measure, value),
            Words::under(&policy).window(&measure, &set.window),
        );
        Ok(Answer::new(text, &set)?)
    }
}
