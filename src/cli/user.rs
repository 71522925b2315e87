//! user: put one subject into a group, or exempt it.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde::Serialize;

use super::answer::{Answer, Done};
use super::boost::{self, Boosts};
use super::exit::Failure;
use super::grants::{everyone, refuse_past};
use super::overrides::{Shown, shown};
use super::table::table;
use super::words::Words;
use crate::clock::Timestamp;
use crate::engine::Engine;
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

    fn group(&self, words: &Words) -> String {
        let why = match self.by {
            Some("group") => words.until_clause(self.until),
            Some("rule") => " (by a rule)".to_owned(),
            Some(_) => " (the default)".to_owned(),
            None => String::new(),
        };
        format!("{}{why}", self.group.unwrap_or("none"))
    }

    fn exempt(&self, words: &Words) -> String {
        if self.exempt {
            format!("yes{}", words.until_clause(self.exempt_until))
        } else {
            "no".to_owned()
        }
    }

    fn overrides(&self, words: &Words, now: Timestamp) -> String {
        let all = self.overrides.iter();
        let all: Vec<_> =
            all.map(|(name, shown)| format!("{name} {}", shown.words(words, now))).collect();
        if all.is_empty() { "none".to_owned() } else { all.join("; ") }
    }

    fn boosts(&self, words: &Words, now: Timestamp) -> Option<String> {
        let all = self.boosts.iter().flat_map(|(name, boosts)| {
            boosts.iter().map(move |shown| format!("{name} {}", shown.words(words, now)))
        });
        let all: Vec<_> = all.collect();
        Some(all.join("; ")).filter(|all| !all.is_empty())
    }
}

impl UserCommand {
    /// Runs it on `engine`.
    pub(super) async fn run(self, engine: &Engine) -> Result<Answer, Failure> {
        match self {
            Self::Set { subject, group, until } => {
                refuse_past(until, engine.now())?;
                engine.assign(&subject, &group, until).await?;
                let clause = Words::of(engine).await?.until_clause(until);
                let words = format!("{subject} is in group {group}{clause}");
                told(engine, words, &subject).await
            }
            Self::Exempt { subject, until } => {
                refuse_past(until, engine.now())?;
                engine.exempt(&subject, until).await?;
                let clause = Words::of(engine).await?.until_clause(until);
                let words = format!("{subject} is exempt from every limit{clause}");
                told(engine, words, &subject).await
            }
            Self::Show { subject } => show(engine, &subject).await,
            Self::List => list(engine).await,
            Self::Forget { subject } => {
                let pseudonym = engine.forget(&subject).await?;
                let words =
                    format!("{subject} is forgotten: what it did is now that of {pseudonym}");
                Ok(Answer::new(words, &Done::now(Forgotten { subject, pseudonym }))?)
            }
            Self::Remove { subject } => {
                engine.unassign(&subject).await?;
                let words = format!("{subject} has no group and no exemption of its own");
                told(engine, words, &subject).await
            }
        }
    }
}

/// Answers with `words`, and with the place that `subject` has now.
async fn told(engine: &Engine, words: String, subject: &Subject) -> Result<Answer, Failure> {
    let view = engine.subject(subject).await?;
    let place = Place::of(
        &engine.policy().await?,
        subject,
        &view.grants,
        view.group.as_deref(),
        engine.now(),
    );
    Ok(Answer::new(words, &Done::now(place))?)
}

async fn show(engine: &Engine, subject: &Subject) -> Result<Answer, Failure> {
    let words = Words::of(engine).await?;
    let view = engine.subject(subject).await?;
    let now = engine.now();
    let place =
        Place::of(&engine.policy().await?, subject, &view.grants, view.group.as_deref(), now);
    let text = format!(
        "{subject}\n  group      {}\n  exempt     {}\n  overrides  {}\n  boosts     {}",
        place.group(&words),
        place.exempt(&words),
        place.overrides(&words, now),
        place.boosts(&words, now).unwrap_or_else(|| "none".to_owned()),
    );
    Ok(Answer::new(text, &place)?)
}

async fn list(engine: &Engine) -> Result<Answer, Failure> {
    let policy = engine.policy().await?;
    let words = Words::under(&policy);
    let now = engine.now();
    let all = everyone(engine).await?;
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
