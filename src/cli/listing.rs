//! over: who has reached a limit; top: who used most.

use clap::Args;

use super::answer::Answer;
use super::exit::Failure;
use super::table::table;
use super::words::{self, Words};
use crate::engine::{Engine, Used};

/// Who has reached a limit
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate over media_bytes
  metergate over media_bytes --json")]
pub(super) struct Over {
    /// On what
    resource: String,
}

/// Who used most, in the current stretch of the default period
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate top media_bytes
  metergate top media_bytes -n 3")]
pub(super) struct Top {
    /// Of what
    resource: String,
    /// How many are listed at most
    #[arg(short = 'n', long = "number", default_value_t = 10, value_name = "N")]
    most: usize,
}

impl Over {
    /// Runs it on `engine`.
    pub(super) async fn run(self, engine: &Engine) -> Result<Answer, Failure> {
        let resource = engine.resource(&self.resource).await?;
        let over = engine.over(&resource).await?;
        let none = format!("nobody has reached a limit on {resource}");
        Ok(listed(&over, &none, &Words::of(engine).await?)?)
    }
}

impl Top {
    /// Runs it on `engine`.
    pub(super) async fn run(self, engine: &Engine) -> Result<Answer, Failure> {
        let resource = engine.resource(&self.resource).await?;
        let top = engine.top(&resource, self.most).await?;
        let none = format!("nobody has used {resource} yet");
        Ok(listed(&top, &none, &Words::of(engine).await?)?)
    }
}

fn listed(users: &[Used], none: &str, words: &Words) -> std::io::Result<Answer> {
    let rows = users.iter().map(|user| {
        let measure = &user.measure;
        [
            user.subject.to_string(),
            words::amount(measure, user.used),
            words::amount_or(measure, user.limit, "unlimited"),
            user.period.to_string(),
            words.reset(user.resets_at),
        ]
    });
    let header = ["SUBJECT", "USED", "LIMIT", "PERIOD", "RESETS"];
    Answer::new(table(header, rows, none), &users)
}
