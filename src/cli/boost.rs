//! boost: additions to one subject's limits.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde::Serialize;

use super::answer::{Answer, Done};
use super::assignment::{self, Assignment};
use super::books::Books;
use super::exit::Failure;
use super::grants::{refuse_past, whose};
use super::listing::counting;
use super::table::table;
use super::words::{self, Words};
use crate::clock::Timestamp;
use crate::engine::BoostChange;
use crate::quota::grant::{Grant, note};
use crate::quota::{Amount, Grants, Measure, Policy, Resource, Subject};

/// Add to the limits of one subject, until a date
///
/// A boost raises every hard and soft limit that the subject has alone, and its ceiling; not
/// what it shares with others. Several add up.
#[derive(Debug, Subcommand)]
pub(super) enum BoostCommand {
    /// Add to the limits of a subject
    #[command(after_help = "Examples:
  metergate boost add @alice:example.org media_bytes=200MB --until 2026-12-01
  metergate boost add @alice:example.org media_bytes=1GB --until 2026-12-01 --note 'the wedding'")]
    Add {
        /// Who
        subject: Subject,
        /// How much more, such as media_bytes=200MB
        #[arg(required = true, value_name = "RESOURCE=AMOUNT")]
        amounts: Vec<Assignment>,
        /// The first moment it no longer holds
        #[arg(long, value_name = "DATE")]
        until: Timestamp,
        /// Why, for people
        #[arg(long, value_name = "TEXT", value_parser = note)]
        note: Option<String>,
    },
    /// List boosts, of everyone or of one subject
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  metergate boost list
  metergate boost list @alice:example.org"
    )]
    List {
        /// Who
        subject: Option<Subject>,
    },
    /// Remove boosts of a subject: all, those of one resource, or one of them
    #[command(
        visible_alias = "rm",
        after_help = "Examples:
  metergate boost remove @alice:example.org
  metergate boost remove @alice:example.org media_bytes
  metergate boost remove @alice:example.org media_bytes --number 2"
    )]
    Remove {
        /// Who
        subject: Subject,
        /// Of what
        resource: Option<String>,
        /// Only this one, as `boost list` counts them
        #[arg(long, value_name = "N", requires = "resource", value_parser = counting)]
        number: Option<usize>,
    },
}

/// One boost as programs read it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    amount: Amount,
    until: Option<Timestamp>,
    note: Option<String>,
    #[serde(skip)]
    measure: Measure,
}

impl Shown {
    fn of(grant: &Grant<Amount>, measure: &Measure) -> Self {
        let (until, note) = (grant.until, grant.note.clone());
        Self { amount: grant.what, until, note, measure: measure.clone() }
    }

    fn amount(&self) -> String {
        format!("+{}", words::amount(&self.measure, self.amount))
    }

    /// Returns it in one line: `+200 MB until 1 December 2026 00:00 UTC`.
    pub(super) fn words(&self, words: &Words, now: Timestamp) -> String {
        let grant = Grant { what: (), until: self.until, note: None };
        words.grant(&self.amount(), &grant, now)
    }
}

/// The boosts of one subject, by resource.
pub(super) type Boosts = BTreeMap<Resource, Vec<Shown>>;

/// Returns the boosts in `grants`.
pub(super) fn shown(policy: &Policy, grants: &Grants) -> Boosts {
    let all = grants.boosts.iter().map(|(resource, boosts)| {
        let measure = policy.measure(resource);
        let boosts = boosts.iter().map(|grant| Shown::of(grant, &measure));
        (resource.clone(), boosts.collect())
    });
    all.collect()
}

#[derive(Debug, Serialize)]
struct Of<'a> {
    subject: &'a Subject,
    boosts: Boosts,
}

impl BoostCommand {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        match self {
            Self::Add { subject, amounts, until, note } => {
                let policy = books.policy().await?;
                let amounts = assignment::amounts(&amounts, &policy)?;
                refuse_past(Some(until), books.now())?;
                let more = amounts.iter().map(|(resource, amount)| {
                    format!("{} of {resource}", words::amount(&policy.measure(resource), *amount))
                });
                let more = more.collect::<Vec<_>>().join(" and ");
                let until = Some(until);
                books.add_boosts(&subject, &BoostChange { amounts, until, note }).await?;
                let clause = Words::under(&policy).until_clause(until);
                told(books, &subject, format!("{subject} has {more} more{clause}")).await
            }
            Self::List { subject } => list(books, subject).await,
            Self::Remove { subject, resource, number } => {
                books.remove_boosts(&subject, resource.as_deref(), number).await?;
                let which = number.map_or("boosts".to_owned(), |number| format!("boost {number}"));
                let of = resource.map(|name| format!(" of {name}")).unwrap_or_default();
                told(books, &subject, format!("the {which}{of} of {subject} ended")).await
            }
        }
    }
}

/// Answers with `words`, and with the boosts that `subject` has now.
async fn told(books: &dyn Books, subject: &Subject, words: String) -> Result<Answer, Failure> {
    let grants = books.subject(subject).await?.grants;
    let boosts = shown(&books.policy().await?, &grants);
    Ok(Answer::new(words, &Done::now(Of { subject, boosts }))?)
}

async fn list(books: &dyn Books, subject: Option<Subject>) -> Result<Answer, Failure> {
    let policy = books.policy().await?;
    let (words, now) = (Words::under(&policy), books.now());
    let none = subject.as_ref().map_or_else(
        || "there are no boosts".to_owned(),
        |subject| format!("{subject} has no boosts"),
    );
    let found = whose(books, subject).await?;
    let all = found.iter().map(|(subject, grants)| Of { subject, boosts: shown(&policy, grants) });
    let all: Vec<_> = all.filter(|of| !of.boosts.is_empty()).collect();
    let rows = all.iter().flat_map(|of| {
        let boosts = of.boosts.iter();
        let boosts = boosts.flat_map(|(name, all)| (1..).zip(all).map(move |it| (name, it)));
        boosts.map(|(resource, (number, shown))| {
            let ended = shown.until.is_some_and(|end: Timestamp| end <= now);
            let ended = if ended { " (ended)" } else { "" };
            [
                of.subject.to_string(),
                resource.to_string(),
                number.to_string(),
                shown.amount(),
                words.until(shown.until) + ended,
                shown.note.clone().unwrap_or_default(),
            ]
        })
    });
    let header = ["SUBJECT", "RESOURCE", "NUMBER", "BOOST", "UNTIL", "NOTE"];
    Ok(Answer::new(table(header, rows, &none), &all)?)
}
