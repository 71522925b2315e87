//! user: put one subject into a group, or exempt it.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde::Serialize;

use super::answer::{Answer, Done};
use super::books::Books;
use super::boost::{self, Boosts};
use super::exit::Failure;
use super::grants::refuse_past;
use super::overrides::{Shown, shown};
use super::table::table;
use super::words::Words;
use crate::clock::Timestamp;
use crate::quota::{Grants, Policy, Subject};

/// Put one subject into a group, or exempt it
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Put a subject into a group
    #[command(after_help = "Examples:
  metergate user set @alice:example.org --group patron
  metergate user set @alice:example.org --group patron --until 2026-12-01")]
    Set {
        /// Who
        subject: Subject,
        /// Its group
        #[arg(long)]
        group: String,
        /// The first moment it is no longer in it
        #[arg(long, value_name = "DATE")]
        until: Option<Timestamp>,
    },
    /// Lift every limit of a subject; what it uses is still counted
    #[command(after_help = "Examples:
  metergate user exempt @admin:example.org")]
    Exempt {
        /// Who
        subject: Subject,
        /// The first moment it is no longer exempt
        #[arg(long, value_name = "DATE")]
        until: Option<Timestamp>,
    },
    /// Show the group, exemption, overrides and boosts of a subject
    #[command(after_help = "Examples:
  metergate user show @alice:example.org")]
    Show {
        /// Who
        subject: Subject,
    },
    /// List those who have something of their own
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  metergate user list
  metergate user list --json"
    )]
    List,
    /// Take its name off all that a subject did, and take away what it has of its own
    ///
    /// What it used stays, under a name that says nothing, so that sums stay right. It cannot be
    /// undone.
    #[command(after_help = "Examples:
  metergate user forget @alice:example.org")]
    Forget {
        /// Who
        subject: Subject,
    },
    /// Take group and exemption from a subject; its overrides, boosts and usage stay
    #[command(
        visible_alias = "rm",
        after_help = "Examples:
  metergate user remove @alice:example.org"
    )]
    Remove {
        /// Who
        subject: Subject,
    },
}

/// A subject as programs read it.
#[derive(Debug, Serialize)]
struct Place<'a> {
    subject: &'a Subject,
    /// The group it is in now.
    group: Option<&'a str>,
    /// Why: `group`, `rule` or `default`.
    by: Option<&'a str>,
    until: Option<Timestamp>,
    exempt: bool,
    exempt_until: Option<Timestamp>,
    overrides: BTreeMap<String, Shown>,
    boosts: Boosts,
}

/// A subject that is no longer known, as programs read it.
#[derive(Debug, Serialize)]
struct Forgotten {
    subject: Subject,
    pseudonym: Subject,
}

impl<'a> Place<'a> {
    /// Returns the place of `subject`; `group` is its group with the reason before it.
    fn of(
        policy: &Policy,
        subject: &'a Subject,
        grants: &Grants,
        group: Option<&'a str>,
        now: Timestamp,
    ) -> Self {
        let (by, group) = group.and_then(|group| group.split_once(' ')).unzip();
        let assigned = grants.group.as_ref().filter(|_| by == Some("group"));
        let exempt = grants.exempt.as_ref();
        let exempt = exempt.filter(|grant| grant.live(now).is_some());
        Self {
            subject,
            group,
            by,
            until: assigned.and_then(|grant| grant.until),
            exempt: exempt.is_some(),
            exempt_until: exempt.and_then(|grant| grant.until),
            overrides: shown(policy, grants),
            boosts: boost::shown(policy, grants),
        }
    }

    fn group(&self, words: &Words<'_>) -> String {
        let why = match self.by {
            Some("group") => words.until_clause(self.until),
            Some("rule") => " (by a rule)".to_owned(),
            Some(_) => " (the default)".to_owned(),
            None => String::new(),
        };
        format!("{}{why}", self.group.unwrap_or("none"))
    }

    fn exempt(&self, words: &Words<'_>) -> String {
        if self.exempt {
            format!("yes{}", words.until_clause(self.exempt_until))
        } else {
            "no".to_owned()
        }
    }

    fn overrides(&self, words: &Words<'_>, now: Timestamp) -> String {
        let all = self.overrides.iter();
        let all: Vec<_> =
            all.map(|(name, shown)| format!("{name} {}", shown.words(words, now))).collect();
        if all.is_empty() { "none".to_owned() } else { all.join("; ") }
    }

    fn boosts(&self, words: &Words<'_>, now: Timestamp) -> Option<String> {
        let all = self.boosts.iter().flat_map(|(name, boosts)| {
            boosts.iter().map(move |shown| format!("{name} {}", shown.words(words, now)))
        });
        let all: Vec<_> = all.collect();
        Some(all.join("; ")).filter(|all| !all.is_empty())
    }
}

impl UserCommand {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        match self {
            Self::Set { subject, group, until } => {
                refuse_past(until, books.now())?;
                books.assign(&subject, &group, until).await?;
                let is = format!("is in group {group}");
                told(books, &subject, &is, until).await
            }
            Self::Exempt { subject, until } => {
                refuse_past(until, books.now())?;
                books.exempt(&subject, until).await?;
                told(books, &subject, "is exempt from every limit", until).await
            }
            Self::Show { subject } => show(books, &subject).await,
            Self::List => list(books).await,
            Self::Forget { subject } => {
                let pseudonym = books.forget(&subject).await?;
                let words =
                    format!("{subject} is forgotten: what it did is now that of {pseudonym}");
                Ok(Answer::new(words, &Done::now(Forgotten { subject, pseudonym }))?)
            }
            Self::Remove { subject } => {
                books.unassign(&subject).await?;
                told(books, &subject, "has no group and no exemption of its own", None).await
            }
        }
    }
}

/// Answers with what `subject` now is and until when, and with the place it has.
async fn told(
    books: &dyn Books,
    subject: &Subject,
    is: &str,
    until: Option<Timestamp>,
) -> Result<Answer, Failure> {
    let view = books.subject(subject).await?;
    let policy = books.policy().await?;
    let group = view.group.as_deref();
    let place = Place::of(&policy, subject, &view.grants, group, books.now());
    let clause = Words::under(&policy).until_clause(until);
    Ok(Answer::new(format!("{subject} {is}{clause}"), &Done::now(place))?)
}

async fn show(books: &dyn Books, subject: &Subject) -> Result<Answer, Failure> {
    let view = books.subject(subject).await?;
    let policy = books.policy().await?;
    let (words, now) = (Words::under(&policy), books.now());
    let place = Place::of(&policy, subject, &view.grants, view.group.as_deref(), now);
    let text = format!(
        "{subject}\n  group      {}\n  exempt     {}\n  overrides  {}\n  boosts     {}",
        place.group(&words),
        place.exempt(&words),
        place.overrides(&words, now),
        place.boosts(&words, now).unwrap_or_else(|| "none".to_owned()),
    );
    Ok(Answer::new(text, &place)?)
}

async fn list(books: &dyn Books) -> Result<Answer, Failure> {
    let policy = books.policy().await?;
    let words = Words::under(&policy);
    let now = books.now();
    let all = books.everyone().await?;
    let groups = all.iter().map(|(subject, grants)| {
        let terms = policy.terms(subject, grants, now);
        terms.group().map(ToString::to_string)
    });
    let groups: Vec<_> = groups.collect();
    let places: Vec<_> = all
        .iter()
        .zip(&groups)
        .map(|((subject, grants), group)| {
            Place::of(&policy, subject, grants, group.as_deref(), now)
        })
        .collect();
    let rows = places.iter().map(|place| {
        [
            place.subject.to_string(),
            place.group(&words),
            place.exempt(&words),
            place.overrides(&words, now),
            place.boosts(&words, now).unwrap_or_default(),
        ]
    });
    let text = table(
        ["SUBJECT", "GROUP", "EXEMPT", "OVERRIDES", "BOOSTS"],
        rows,
        "nobody has anything of their own",
    );
    Ok(Answer::new(text, &places)?)
}
