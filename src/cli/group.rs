//! group: limits that many subjects share.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde::Serialize;

use super::answer::{Answer, Done};
use super::assignment::{Assigned, Assignment, Size};
use super::books::Books;
use super::exit::Failure;
use super::table::table;
use super::words;
use crate::engine::{GroupChange, declared_group};
use crate::quota::{Amount, Group, Invalid, Limit, Measure, Policy, Resource, Zone, resource};

/// Limits that many subjects share
#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// Make a group, or change the limits named
    ///
    /// What is not named stays as it is; =unlimited lifts a limit. A resource named here is
    /// thereby declared. max_upload_bytes is the size of one upload.
    #[command(after_help = "Examples:
  metergate group set free media_bytes=500MB requests=10000
  metergate group set patron media_bytes=50GB/month,2GB/day max_upload_bytes=1GB
  metergate group set patron --extends free --timezone Europe/Berlin
  metergate group set team media_bytes='50GB/month,1TB/month per group'
  metergate group set trial media_bytes='500MB/month soft ceiling 600MB grace 7d,2GB/day observe'
  metergate group set free --default")]
    Set {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
        /// Limits, such as media_bytes=500MB/month,50MB/day
        #[arg(value_name = "RESOURCE=LIMIT")]
        limits: Vec<Assignment>,
        /// The group whose limits hold where this one names none
        #[arg(long, value_name = "GROUP", conflicts_with = "no_extends", value_parser = name)]
        extends: Option<String>,
        /// It extends no group any more
        #[arg(long)]
        no_extends: bool,
        /// The zone in which its days begin, such as Europe/Berlin
        #[arg(long, value_name = "ZONE", conflicts_with = "no_timezone")]
        timezone: Option<Zone>,
        /// Its days begin where those of everyone do
        #[arg(long)]
        no_timezone: bool,
        /// Make it the group of everyone who is in no other
        #[arg(long)]
        default: bool,
    },
    /// List the groups
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  metergate group list
  metergate group list --json"
    )]
    List,
    /// Show one group
    #[command(after_help = "Examples:
  metergate group show free")]
    Show {
        /// Its name
        name: String,
    },
    /// Remove a group that no rule, no subject and no default needs
    #[command(
        visible_alias = "rm",
        after_help = "Examples:
  metergate group remove free"
    )]
    Remove {
        /// Its name
        name: String,
    },
}

/// Reads the name of a group.
pub(super) fn name(text: &str) -> Result<String, Invalid> {
    resource::name(text, "group").map(|name| name.as_ref().to_owned())
}

/// A group as programs read it: every resource with its limit, and its settings beside them.
#[derive(Debug, Serialize)]
struct Terms<'a> {
    #[serde(flatten)]
    by_resource: &'a BTreeMap<Resource, Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_upload_bytes: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extends: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'a Zone>,
}

/// One group with its name.
#[derive(Debug, Serialize)]
struct Named<'a> {
    name: &'a str,
    limits: Terms<'a>,
    default: bool,
    from: &'static str,
}

impl<'a> Terms<'a> {
    fn of(group: &'a Group) -> Self {
        Self {
            by_resource: &group.limits,
            max_upload_bytes: group.max_upload_bytes,
            extends: group.extends.as_deref(),
            timezone: group.timezone.as_ref(),
        }
    }

    /// Returns them in one line: `media_bytes 500 MB/month; requests 10000`.
    fn words(&self, policy: &Policy) -> String {
        let base = self.extends.map(|base| format!("extends {base}"));
        let limits = self.by_resource.iter();
        let limits = limits.map(|(resource, limit)| match limit.human(&policy.measure(resource)) {
            human if human.is_empty() => resource.to_string(),
            human => format!("{resource} {human}"),
        });
        let size = self.max_upload_bytes.map(|size| {
            let size = words::amount(&Measure::BYTES, size);
            format!("one upload at most {size}")
        });
        let zone = self.timezone.map(|zone| format!("days of {}", zone.name()));
        let all: Vec<_> = base.into_iter().chain(limits).chain(size).chain(zone).collect();
        if all.is_empty() { "no limits".to_owned() } else { all.join("; ") }
    }
}

impl<'a> Named<'a> {
    fn of(policy: &'a Policy, name: &'a str, group: &'a Group) -> Self {
        Self {
            name,
            limits: Terms::of(group),
            default: policy.default_group() == Some(name),
            from: if policy.file.groups.contains_key(name) { "file" } else { "store" },
        }
    }

    fn words(&self, policy: &Policy) -> String {
        let default = if self.default { " (the default)" } else { "" };
        format!("{}{default}: {}", self.name, self.limits.words(policy))
    }
}

impl GroupCommand {
    /// Runs it on `books`.
    pub(super) async fn run(self, books: &dyn Books) -> Result<Answer, Failure> {
        match self {
            Self::Set { name, limits, extends, no_extends, timezone, no_timezone, default } => {
                let settings = GroupChange {
                    extends: extends.map(Some).or(no_extends.then_some(None)),
                    timezone: timezone.map(Some).or(no_timezone.then_some(None)),
                    default,
                    ..GroupChange::default()
                };
                set(books, &name, &limits, settings).await
            }
            Self::List => list(books).await,
            Self::Show { name } => show(books, &name).await,
            Self::Remove { name } => {
                books.remove_group(&name).await?;
                let done = Done::now(BTreeMap::from([("removed", &name)]));
                Ok(Answer::new(format!("group {name} is removed"), &done)?)
            }
        }
    }
}

async fn set(
    books: &dyn Books,
    name: &str,
    limits: &[Assignment],
    settings: GroupChange,
) -> Result<Answer, Failure> {
    let before = books.policy().await?;
    let assigned = Assigned::read(limits, &before, str::parse)?;
    let change = GroupChange {
        limits: assigned.limits,
        max_upload_bytes: assigned.max_upload_bytes.map(|Size(size)| size),
        ..settings
    };
    words::warn_of_new_names(&before, change.limits.keys());
    books.set_group(name, &change).await?;
    let policy = books.policy().await?;
    let now = Named::of(&policy, name, declared_group(&policy, name)?);
    let words = format!("group {}", now.words(&policy));
    Ok(Answer::new(words, &Done::now(now))?)
}

async fn list(books: &dyn Books) -> Result<Answer, Failure> {
    let policy = books.policy().await?;
    let groups = policy.groups();
    let named = groups.iter().map(|(name, group)| {
        let named = Named::of(&policy, name, group);
        let default = if named.default { "default" } else { "" };
        let from = named.from;
        [*name, &named.limits.words(&policy), default, from].map(str::to_owned)
    });
    let words =
        table(["GROUP", "LIMITS", "", "FROM"], named, "there are no groups: nothing is refused");
    let json: BTreeMap<_, _> =
        groups.iter().map(|(name, group)| (name, Terms::of(group))).collect();
    Ok(Answer::new(words, &json)?)
}

async fn show(books: &dyn Books, name: &str) -> Result<Answer, Failure> {
    let policy = books.policy().await?;
    let named = Named::of(&policy, name, declared_group(&policy, name)?);
    Ok(Answer::new(named.words(&policy), &named)?)
}
