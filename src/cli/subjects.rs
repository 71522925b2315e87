//! subjects: everyone the books know.

use clap::Args;

use super::answer::Answer;
use super::books::Books;
use super::exit::{Exit, Failure};
use super::pages::Pages;
use super::words::Words;
use crate::engine::Someone;

/// How many are read in one step.
const PAGE: usize = 1000;

/// Everyone the books know, by name
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate subjects
  metergate subjects --prefix @bridge_")]
pub(super) struct Subjects {
    /// Only those whose name begins with this
    #[arg(long, default_value = "", value_name = "P", hide_default_value = true)]
    prefix: String,
}

impl Subjects {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books, json: bool) -> Result<Answer, Failure> {
        let policy = books.policy().await?;
        let words = Words::under(&policy);
        let mut list = Pages::begin(["SUBJECT", "GROUP", "LAST ACTIVITY"], json);
        let mut write = |part: &[Someone]| list.write(part, |someone| row(someone, &words));
        books.subjects(&self.prefix, PAGE, &mut write).await?;
        list.end(&self.nobody())?;
        Ok(Answer::silent(Exit::Done))
    }

    fn nobody(&self) -> String {
        match self.prefix.as_str() {
            "" => "the books know nobody yet".to_owned(),
            prefix => format!("the books know nobody whose name begins with {prefix}"),
        }
    }
}

fn row(someone: &Someone, words: &Words<'_>) -> [String; 3] {
    [
        someone.subject.to_string(),
        someone.group.clone().unwrap_or_else(|| "none".to_owned()),
        someone.last_activity.map_or_else(|| "never".to_owned(), |last| words.moment(last)),
    ]
}
