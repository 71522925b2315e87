//! Groups that are needed: by whom, and those that are declared nowhere.

use std::collections::BTreeMap;
use std::fmt;

use crate::clock::Timestamp;
use crate::engine::{Engine, EngineError};
use crate::quota::{Grants, Pattern, Subject};

/// How many are named, where there are many.
const NAMED: usize = 3;

/// A group that something names, and that neither file nor store declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingGroup {
    /// Its name.
    pub name: String,
    /// What names it.
    pub needed_by: NeededBy,
}

/// What names a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeededBy {
    /// It is the default group. Without it nobody who is in no other group is limited.
    Default,
    /// A rule. Without the group it is passed over.
    Rule(Pattern),
    /// A group that extends it. Without it that group has only what it names itself.
    Group(String),
    /// Subjects that were put into it. Without it rules and the default group hold for them.
    Subjects(Members),
}

/// Those who were put into a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// How many.
    pub count: usize,
    /// The first of them by name.
    pub first: Vec<Subject>,
}

/// `the default group`, `rule @bot_*`, `group patron`, `2 subjects (@alice, @bob)`.
impl fmt::Display for NeededBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default group"),
            Self::Rule(pattern) => write!(f, "rule {pattern}"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::Subjects(members) => members.fmt(f),
        }
    }
}

/// `1 subject (@alice)`, `5 subjects (@alice, @bob, @carol and 2 more)`.
impl fmt::Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.first.iter().map(Subject::as_str).collect();
        let plural = if self.count == 1 { "" } else { "s" };
        write!(f, "{} subject{plural} ({}", self.count, names.join(", "))?;
        match self.count.saturating_sub(names.len()) {
            0 => f.write_str(")"),
            more => write!(f, " and {more} more)"),
        }
    }
}

impl Engine {
    /// Returns every group that is named and not declared, as it may be after a file is changed:
    /// first where it weighs most.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn missing_groups(&self) -> Result<Vec<MissingGroup>, EngineError> {
        let (snapshot, everyone) = self.everyone().await?;
        let (policy, members) = (&snapshot.policy, members(everyone, self.now()));
        let default = policy.default_group().map(|name| (name.to_owned(), NeededBy::Default));
        let rules = policy.rules();
        let rules = rules.map(|it| (it.group.clone(), NeededBy::Rule(it.pattern.clone())));
        let members = members.into_iter();
        let members = members.map(|(name, members)| (name, NeededBy::Subjects(members)));
        let groups = policy.groups().into_iter().filter_map(|(name, group)| {
            Some((group.extends.clone()?, NeededBy::Group(name.to_owned())))
        });
        let all = default.into_iter().chain(rules).chain(groups).chain(members);
        let missing = all.filter(|(name, _)| policy.group(name).is_none());
        Ok(missing.map(|(name, needed_by)| MissingGroup { name, needed_by }).collect())
    }
}

/// Returns who of `everyone` is put into which group at `now`.
pub(super) fn members(
    everyone: BTreeMap<Subject, Grants>,
    now: Timestamp,
) -> BTreeMap<String, Members> {
    let mut all: BTreeMap<String, Members> = BTreeMap::new();
    for (subject, grants) in everyone {
        let Some(group) = grants.group.as_ref().and_then(|grant| grant.live(now)) else {
            continue;
        };
        let members = all.entry(group.clone()).or_default();
        members.count += 1;
        if members.first.len() < NAMED {
            members.first.push(subject);
        }
    }
    all
}
