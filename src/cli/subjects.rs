//! subjects: everyone the books know.

use clap::Args;

use super::answer::Answer;
use super::exit::{Exit, Failure};
use super::pages::Pages;
use super::words::Words;
use crate::engine::{Engine, Page, Someone};

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
    /// Runs it on `engine`.
    pub(super) async fn run(self, engine: &Engine, json: bool) -> Result<Answer, Failure> {
        let words = Words::of(engine).await?;
        let mut list = Pages::begin(["SUBJECT", "GROUP", "LAST ACTIVITY"], json);
        let mut page = Page::first(PAGE);
        loop {
            let part = engine.subjects(&self.prefix, page).await?;
            let is_read = list.write(&part, |someone| row(someone, &words))?;
            let last = part.last().filter(|_| part.len() == PAGE && is_read);
            let Some(last) = last else { break };
            page = Page::behind(last.subject.clone(), PAGE);
        }
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

fn row(someone: &Someone, words: &Words) -> [String; 3] {
    [
        someone.subject.to_string(),
        someone.group.clone().unwrap_or_else(|| "none".to_owned()),
        someone.last_activity.map_or_else(|| "never".to_owned(), |last| words.moment(last)),
    ]
}
