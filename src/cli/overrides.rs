//! override: limits of one subject's own.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde::Serialize;

use super::answer::{Answer, Done};
use super::assignment::{Assigned, Assignment, MAX_UPLOAD, Size};
use super::books::Books;
use super::exit::Failure;
use super::grants::{refuse_past, whose};
use super::table::table;
use super::words::{self, Words};
use crate::clock::Timestamp;
use crate::engine::OverrideChange;
use crate::quota::grant::{Grant, note};
use crate::quota::{Amount, Grants, Limit, Measure, Policy, Resource, Subject};

/// Give one subject limits of its own
///
/// They stand in place of its group's, resource by resource.
#[derive(Debug, Subcommand)]
pub(super) enum OverrideCommand {
    /// Give a subject limits of its own
    #[command(after_help = "Examples:
  metergate override set @alice:example.org media_bytes=1GB
  metergate override set @alice:example.org media_bytes=2GB/month,200MB/day max_upload_bytes=100MB --until 2026-12-01 --note 'asked on Monday'")]
    Set {
        /// Who
        subject: Subject,
        /// Limits, such as media_bytes=1GB, or max_upload_bytes=100MB
        #[arg(required = true, value_name = "RESOURCE=LIMIT")]
        limits: Vec<Assignment>,
        /// The first moment they no longer hold
        #[arg(long, value_name = "DATE")]
        until: Option<Timestamp>,
        /// Why, for people
        #[arg(long, value_name = "TEXT", value_parser = note)]
        note: Option<String>,
    },
    /// List overrides, of everyone or of one subject
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  metergate override list
  metergate override list @alice:example.org"
    )]
    List {
        /// Who
        subject: Option<Subject>,
    },
    /// Remove overrides of a subject: those named, or all
    #[command(
        visible_alias = "rm",
        after_help = "Examples:
  metergate override remove @alice:example.org media_bytes
  metergate override remove @alice:example.org"
    )]
    Remove {
        /// Who
        subject: Subject,
        /// Which
        #[arg(value_name = "RESOURCE")]
        resources: Vec<String>,
    },
}

/// What stands in an override.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum What {
    Limit(Limit),
    /// The size of one upload; none means any size.
    Size(Option<Amount>),
}

/// One override as programs read it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Shown {
    limit: What,
    until: Option<Timestamp>,
    note: Option<String>,
    #[serde(skip)]
    measure: Measure,
}

impl Shown {
    fn of<T>(grant: &Grant<T>, measure: Measure, limit: What) -> Self {
        Self { limit, until: grant.until, note: grant.note.clone(), measure }
    }

    fn limit(&self) -> String {
        match &self.limit {
            What::Limit(limit) => limit.human(&self.measure),
            What::Size(size) => words::amount_or(&self.measure, *size, "unlimited"),
        }
    }

    /// Returns it in one line: `1 GB until 1 December 2026 00:00 UTC`.
    pub(super) fn words(&self, words: &Words, now: Timestamp) -> String {
        let grant = Grant { what: (), until: self.until, note: None };
        words.grant(&self.limit(), &grant, now)
    }
}

/// Returns the overrides in `grants` by name.
pub(super) fn shown(policy: &Policy, grants: &Grants) -> BTreeMap<String, Shown> {
    let limits = grants.overrides.iter().map(|(resource, grant)| {
        let shown = Shown::of(grant, policy.measure(resource), What::Limit(grant.what.clone()));
        (resource.to_string(), shown)
    });
    let size = grants.max_upload_bytes.as_ref().map(|grant| {
        let shown = Shown::of(grant, Measure::BYTES, What::Size(grant.what));
        (MAX_UPLOAD.to_owned(), shown)
    });
    limits.chain(size).collect()
}

/// The overrides of one subject.
#[derive(Debug, Serialize)]
struct Of<'a> {
    subject: &'a Subject,
    overrides: BTreeMap<String, Shown>,
}

impl OverrideCommand {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        match self {
            Self::Set { subject, limits, until, note } => {
                set(books, &subject, &limits, until, note).await
            }
            Self::List { subject } => list(books, subject).await,
            Self::Remove { subject, resources } => {
                books.remove_overrides(&subject, &resources).await?;
                let what = if resources.is_empty() {
                    "overrides".to_owned()
                } else {
                    format!("override of {}", resources.join(", "))
                };
                told(books, &subject, |_| format!("{subject} has no {what} any more")).await
            }
        }
    }
}

async fn set(
    books: &dyn Books,
    subject: &Subject,
    limits: &[Assignment],
    until: Option<Timestamp>,
    note: Option<String>,
) -> Result<Answer, Failure> {
    let policy = books.policy().await?;
    let assigned = Assigned::read(limits, &policy, |name| policy.resource(name).cloned())?;
    let names = names(&assigned);
    refuse_past(until, books.now())?;
    let change = OverrideChange {
        limits: assigned.limits,
        max_upload_bytes: assigned.max_upload_bytes.map(|Size(size)| size),
        until,
        note,
    };
    books.set_overrides(subject, &change).await?;
    let clause = Words::under(&policy).until_clause(until);
    told(books, subject, |overrides| {
        let set = names.iter().filter_map(|name| {
            let shown = overrides.get(name)?;
            Some(format!("{name} {}", shown.limit()))
        });
        let set: Vec<_> = set.collect();
        format!("{subject} has its own {}{clause}", set.join("; "))
    })
    .await
}

fn names(assigned: &Assigned) -> Vec<String> {
    let limits = assigned.limits.keys().map(Resource::to_string);
    let size = assigned.max_upload_bytes.map(|_| MAX_UPLOAD.to_owned());
    limits.chain(size).collect()
}

/// Answers with what `words` make of the overrides that `subject` has now.
async fn told(
    books: &dyn Books,
    subject: &Subject,
    words: impl Fn(&BTreeMap<String, Shown>) -> String,
) -> Result<Answer, Failure> {
    let policy = books.policy().await?;
    let overrides = shown(&policy, &books.subject(subject).await?.grants);
    let text = words(&overrides);
    Ok(Answer::new(text, &Done::now(Of { subject, overrides }))?)
}

async fn list(books: &dyn Books, subject: Option<Subject>) -> Result<Answer, Failure> {
    let policy = books.policy().await?;
    let words = Words::under(&policy);
    let none = subject.as_ref().map_or_else(
        || "there are no overrides".to_owned(),
        |subject| format!("{subject} has no overrides"),
    );
    let found = whose(books, subject).await?;
    let all: Vec<_> = found
        .iter()
        .map(|(subject, grants)| Of { subject, overrides: shown(&policy, grants) })
        .filter(|of| !of.overrides.is_empty())
        .collect();
    let rows = all.iter().flat_map(|of| {
        of.overrides.iter().map(|(name, shown)| {
            [
                of.subject.to_string(),
                name.clone(),
                shown.limit(),
                words.until(shown.until),
                shown.note.clone().unwrap_or_default(),
            ]
        })
    });
    let text = table(["SUBJECT", "RESOURCE", "LIMIT", "UNTIL", "NOTE"], rows, &none);
    Ok(Answer::new(text, &all)?)
}
