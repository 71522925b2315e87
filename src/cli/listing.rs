//! over: who has reached a limit; top: who used most.

use clap::Args;

use super::answer::Answer;
use super::books::Books;
use super::exit::{Exit, Failure};
use super::pages::Pages;
use super::table::table;
use super::words::{self, Words};
use crate::engine::Used;
use crate::quota::{Invalid, Period};

/// How many are read in one step; each step of `over` may have to look at the whole ledger.
const PAGE: usize = 10_000;

/// Who has reached a limit
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate over media_bytes
  metergate over media_bytes --json")]
pub(super) struct Over {
    /// On what
    resource: String,
}

/// Who used most, in the current stretch of a period
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate top media_bytes
  metergate top media_bytes -n 3
  metergate top media_bytes --period day
  metergate top media_bytes --period 'rolling 30d'")]
pub(super) struct Top {
    /// Of what
    resource: String,
    /// How many are listed at most
    #[arg(short = 'n', long = "number", default_value_t = 10, value_name = "N", value_parser = counting, allow_negative_numbers = true)]
    most: usize,
    /// In the current one of these: day, week, month, never … [default: the default period]
    #[arg(long)]
    period: Option<Period>,
}

/// Reads a number that counts something, from 1.
pub(super) fn counting(text: &str) -> Result<usize, Invalid> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| {
        Invalid::new(format!("\"{text}\" counts nothing: write a whole number from 1"))
    })
}

const HEADER: [&str; 5] = ["SUBJECT", "USED", "LIMIT", "PERIOD", "RESETS"];

impl Over {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books, json: bool) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let resource = policy.resource(&self.resource)?;
        let words = Words::under(&policy);
        let mut list = Pages::begin(HEADER, json);
        let mut write = |part: &[Used]| list.write(part, |user| row(user, &words));
        books.over(resource, PAGE, &mut write).await?;
        list.end(&format!("nobody has reached a limit on {resource}"))?;
        Ok(Answer::silent(Exit::Done))
    }
}

impl Top {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let resource = policy.resource(&self.resource)?;
        let words = Words::under(&policy);
        let top = books.top(resource, self.period, self.most).await?;
        let rows = top.iter().map(|user| row(user, &words));
        Ok(Answer::new(table(HEADER, rows, &format!("nobody has used {resource} yet")), &top)?)
    }
}

fn row(user: &Used, words: &Words<'_>) -> [String; 5] {
    let measure = &words.measure(&user.resource);
    [
        user.subject.to_string(),
        words::amount(measure, user.used),
        words::amount_or(measure, user.limit, "unlimited"),
        user.period.to_string(),
        words.reset(user.resets_at),
    ]
}
