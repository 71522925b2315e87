//! set: bring a count to a value.

use clap::Args;

use super::answer::Answer;
use super::exit::Failure;
use super::words::{self, Words};
use crate::engine::Engine;
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
    /// Runs it on `engine`.
    pub(super) async fn run(self, engine: &Engine) -> Result<Answer, Failure> {
        let resource = engine.resource(&self.resource).await?;
        let value = engine.measure(&resource).parse(&self.value)?;
        let set = engine.set(&self.subject, &resource, value).await?;
        let words = Words::of(engine).await?;
        let over = if set.over { ", the limit is reached" } else { "" };
        let text = format!(
            "{} {resource}: set to {}, {}{over}",
            self.subject,
            words::amount(&set.measure, value),
            words.window(&set.measure, &set.window),
        );
        Ok(Answer::new(text, &set)?)
    }
}
