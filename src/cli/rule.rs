//! rule: put subjects into groups by name.

use std::collections::BTreeMap;

use clap::Subcommand;

use super::answer::{Answer, Done};
use super::books::Books;
use super::exit::Failure;
use super::table::table;
use crate::quota::Pattern;
use crate::quota::policy::Rule;

/// Put subjects into groups by name
///
/// The first rule that matches the whole name counts, for those who were not put into a group
/// by `user set`.
#[derive(Debug, Subcommand)]
pub(super) enum RuleCommand {
    /// Add a rule behind the others, or change the group of one that is there
    #[command(after_help = "Examples:
  metergate rule add '@bridge_*:example.org' --group bridges
  metergate rule add '@*:example.org' --group free")]
    Add {
        /// A name in which * is any text and ? any one character
        #[arg(value_name = "GLOB")]
        pattern: Pattern,
        /// The group it puts them into
        #[arg(long)]
        group: String,
    },
    /// List the rules in the order in which they are tried
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  metergate rule list"
    )]
    List,
    /// Remove a rule
    #[command(
        visible_alias = "rm",
        after_help = "Examples:
  metergate rule remove '@*:example.org'"
    )]
    Remove {
        /// As it was added
        #[arg(value_name = "GLOB")]
        pattern: String,
    },
}

impl RuleCommand {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        match self {
            Self::Add { pattern, group } => {
                let rule = Rule { pattern, group };
                books.add_rule(&rule).await?;
                let words = format!("{} are in group {}", rule.pattern, rule.group);
                Ok(Answer::new(words, &Done::now(&rule))?)
            }
            Self::List => list(books).await,
            Self::Remove { pattern } => {
                books.remove_rule(&pattern).await?;
                let done = Done::now(BTreeMap::from([("removed", &pattern)]));
                Ok(Answer::new(format!("rule {pattern} is removed"), &done)?)
            }
        }
    }
}

async fn list(books: &dyn Books) -> Result<Answer, Failure> {
    let policy = books.policy().await?;
    let from_file = policy.file.rules.len();
    let rules: Vec<_> = policy.rules().collect();
    let rows = rules.iter().enumerate().map(|(index, rule)| {
        let from = if index < from_file { "file" } else { "store" };
        [rule.pattern.as_str(), &rule.group, from].map(str::to_owned)
    });
    let words = table(["MATCH", "GROUP", "FROM"], rows, "there are no rules");
    Ok(Answer::new(words, &rules)?)
}
